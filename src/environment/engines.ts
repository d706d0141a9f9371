import type { Engine } from '../engine/engine.ts';
import { UserError } from '../platform/errors.ts';
import { findBoshProgram } from './bosh-program.ts';
import type { ProfileName } from './record.ts';

export const engineNames = ['auto', 'bosh-cli', 'builtin'] as const;
export type EngineName = Engine['name'];

/**
 * `auto`: the bosh CLI where it can work, that is with the Ruby that renders its templates; else our own engine. A director's
 * manifest has jobs, which the bosh CLI alone compiles and renders: `up` fetches it where there is none.
 */
export async function chooseEngine(
  asked: string,
  kept: EngineName | undefined,
  profile: ProfileName,
): Promise<EngineName> {
  if (profile !== 'machine' && asked !== 'builtin') return 'bosh-cli';
  if (profile !== 'machine') {
    throw new UserError(
      'UNSUPPORTED',
      `The built-in engine cannot make an environment of the profile ${profile}`,
      {
        hints: ['leave --engine out: the bosh CLI does it, and is fetched where there is none'],
      },
    );
  }
  if (asked === 'builtin' || asked === 'bosh-cli') return asked;
  if (asked !== 'auto')
    throw new UserError('USAGE', `There is no engine '${asked}'`, {
      hints: [`choose one of ${engineNames.join(', ')}`],
    });
  return kept ?? (await usableEngine());
}

async function usableEngine(): Promise<EngineName> {
  const { rubyPresent } = await import('../engine/bosh-cli/index.ts');
  return (await findBoshProgram()) && (await rubyPresent()) ? 'bosh-cli' : 'builtin';
}

/** The engine that made an environment or, where its bosh or Ruby is gone, our own: either deletes what the other made. */
export async function engineToDelete(name: EngineName): Promise<Engine> {
  return await engineNamed(name === 'builtin' ? 'builtin' : await usableEngine());
}

export async function engineNamed(name: EngineName): Promise<Engine> {
  if (name === 'builtin') return new (await import('../engine/builtin/index.ts')).BuiltinEngine();
  const { BoshCliEngine } = await import('../engine/bosh-cli/index.ts');
  const program = await findBoshProgram();
  return new BoshCliEngine(program ? { boshPath: program.path } : {});
}
