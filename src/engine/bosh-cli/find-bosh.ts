import { UserError } from '../../platform/errors.ts';
import { run, which } from '../../platform/process.ts';

/** A bosh CLI of this machine. */
export interface BoshProgram {
  readonly path: string;
  readonly version: string;
}

const askTimeoutMs = 20_000;

/** The bosh CLI at `path`, else the first on PATH; undefined if there is none, or one of another age (the Ruby bosh). */
export async function findBosh({ path }: { path?: string } = {}): Promise<BoshProgram | undefined> {
  const found = path ?? (await which('bosh'));
  if (found === undefined) return undefined;
  const said = await answerOf([found, '--version']);
  const version = said?.match(/^version (\S+)/m)?.[1];
  return version === undefined ? undefined : { path: found, version };
}

/** Whether `ruby` can render job templates; bosh starts it for each (contract 5.1). */
export async function rubyPresent(): Promise<boolean> {
  return (
    (await answerOf(['ruby', '-e', 'require "erb"; require "json"; require "yaml"; print "ok"'])) === 'ok'
  );
}

/** The bosh CLI, ready to work; a UserError says what is missing. */
export async function requireBosh(path: string | undefined): Promise<BoshProgram> {
  const bosh = await findBosh(path === undefined ? {} : { path });
  if (!bosh) {
    throw new UserError(
      'PREFLIGHT',
      `The bosh CLI was not found${path === undefined ? ' on PATH' : ` at ${path}`}`,
      {
        hints: [
          'install it: https://bosh.io/docs/cli-v2-install/',
          'or let boshvirt do its work: boshvirt up --engine builtin',
        ],
      },
    );
  }
  if (await rubyPresent()) return bosh;
  throw new UserError('PREFLIGHT', `${bosh.path} renders job templates with Ruby, which is not installed`, {
    hints: [
      'on Debian or Ubuntu: apt-get install ruby',
      'or: boshvirt up --engine builtin, which needs no Ruby',
    ],
  });
}

/** What a program says on stdout, or undefined if it is not there or fails. */
async function answerOf(argv: readonly [string, ...string[]]): Promise<string | undefined> {
  return await run(argv, { timeoutMs: askTimeoutMs }).then(
    ({ stdout }) => stdout,
    () => undefined,
  );
}
