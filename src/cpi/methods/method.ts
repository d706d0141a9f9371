import type { JsonValue } from '../backend.ts';
import type { DispatchDeps } from '../dispatch.ts';
import type { ArgumentShapes, ArgumentsOf, CpiRequest } from '../wire.ts';

interface MethodDeps extends DispatchDeps {
  readonly request: CpiRequest;
}

/** One CPI method: what it takes and what it does. Blind to backends: it sees only the stores of backend.ts. */
export interface Method<Shapes extends ArgumentShapes = ArgumentShapes> {
  readonly args: Shapes;
  /** How many of the last arguments may be absent. */
  readonly optional?: number;
  run(deps: MethodDeps, args: ArgumentsOf<Shapes>): Promise<JsonValue | undefined>;
}

/** Gives a method's arguments their types. */
export function defineMethod<const Shapes extends ArgumentShapes>(method: Method<Shapes>): Method<Shapes> {
  return method;
}
