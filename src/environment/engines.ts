import type { Engine } from '../engine/engine.ts';
import { UserError } from '../platform/errors.ts';

export const engineNames = ['auto', 'bosh-cli', 'builtin'] as const;
export type EngineName = Engine['name'];

/** `auto`: the bosh CLI where it can work, that is with the Ruby that renders its templates; else our own engine. */
export async function chooseEngine(asked: string, kept: EngineName | undefined): Promise<EngineName> {
  if (asked === 'builtin' || asked === 'bosh-cli') return asked;
  if (asked !== 'auto')
    throw new UserError('USAGE', `There is no engine '${asked}'`, {
      hints: [`choose one of ${engineNames.join(', ')}`],
    });
  return kept ?? (await usableEngine());
}

async function usableEngine(): Promise<EngineName> {
  const { findBosh, rubyPresent } = await import('../engine/bosh-cli/index.ts');
  return (await findBosh()) && (await rubyPresent()) ? 'bosh-cli' : 'builtin';
}

/** The engine that made an environment or, where its bosh or Ruby is gone, our own: either deletes what the other made. */
export async function engineToDelete(name: EngineName): Promise<Engine> {
  return await engineNamed(name === 'builtin' ? 'builtin' : await usableEngine());
}

export async function engineNamed(name: EngineName): Promise<Engine> {
  if (name === 'builtin') return new (await import('../engine/builtin/index.ts')).BuiltinEngine();
  return new (await import('../engine/bosh-cli/index.ts')).BoshCliEngine();
}
