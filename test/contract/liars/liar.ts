import type { JsonObject, JsonValue } from '../../../src/cpi/backend.ts';
import type { Scene } from '../../../src/verify/scene.ts';
import type { SimulatedCloud, Vm } from '../../support/simulated-cloud/cloud.ts';

/** A CPI with one fault. */
export interface Liar {
  /** What it does wrong; who was seen doing so stands in the comment beside it. */
  readonly name: string;
  /** The clauses that have to find it out. */
  readonly breaks: readonly string[];
  /** Only a look at the hypervisor finds it; for all others the guests and the answers have to be enough. */
  readonly needsProbe?: boolean;
  /** Clauses that are run as well, since there is nothing to find without them. */
  readonly besides?: readonly string[];
  /** Makes a liar of an honest cloud. */
  tell(cloud: SimulatedCloud): void;
  /** What else the scene has then. */
  scene?(honest: Scene): Partial<Scene>;
}

export type Method = SimulatedCloud['methods'][string];

export const yes = (): null => null;

/** Puts something in a method's place; `honest` is what was there. */
export function replace(
  method: string,
  act: (honest: Method, cloud: SimulatedCloud, args: JsonValue[]) => JsonValue | undefined,
): Liar['tell'] {
  return (cloud) => {
    const honest = cloud.methods[method] as Method;
    cloud.methods[method] = (...args) => act(honest, cloud, args);
  };
}

/** Says yes and does nothing. */
export const stub = (method: string): Liar['tell'] => replace(method, yes);

/** Does what is right and, after it, something else. */
export const andThen = (
  method: string,
  act: (cloud: SimulatedCloud, args: JsonValue[], result: JsonValue) => void,
): Liar['tell'] =>
  replace(method, (honest, cloud, args) => {
    const result = honest(...args) ?? null;
    act(cloud, args, result);
    return result;
  });

/** The VM that a create_vm has answered. */
export function newVm(cloud: SimulatedCloud, answer: JsonValue): Vm {
  return cloud.vm((answer as readonly [string])[0]);
}

export const networksIn = (answer: JsonValue): Record<string, JsonObject> =>
  (answer as unknown as [string, Record<string, JsonObject>])[1];
