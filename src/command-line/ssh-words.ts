import { UserError } from '../platform/errors.ts';

/** `[ENV] [-- COMMAND...]` as typed, flags among them: the environment (undefined: the default one) and the command to run there. */
export function sshWords(argv: readonly string[]): { environment: string | undefined; command: string[] } {
  const end = argv.indexOf('--');
  const [environment, ...more] = (end === -1 ? argv : argv.slice(0, end)).filter(
    (word) => !word.startsWith('-'),
  );
  const command = end === -1 ? [] : argv.slice(end + 1);
  if (more.length === 0) return { environment, command };
  throw new UserError('USAGE', `Unexpected argument: ${more.join(' ')}`, {
    hints: [
      `a command for the machine comes after two dashes: boshvirt ssh ${environment} -- ${more.join(' ')}`,
    ],
  });
}
