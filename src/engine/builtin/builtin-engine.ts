import type { CreateEnvOptions, DeploySource, Engine, EngineContext } from '../engine.ts';
import { createEnv } from './create-env.ts';
import { deleteEnv } from './delete-env.ts';

/** Does what `bosh create-env` and `delete-env` do, call for call, on bosh's own state file (contract 5.2). */
export class BuiltinEngine implements Engine {
  readonly name = 'builtin';

  async createEnv(
    source: DeploySource,
    context: EngineContext,
    options: CreateEnvOptions = {},
  ): Promise<{ changed: boolean }> {
    return await createEnv(source, context, options);
  }

  async deleteEnv(source: DeploySource, context: EngineContext): Promise<void> {
    await deleteEnv(source, context);
  }
}
