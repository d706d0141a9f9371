import { UserError } from '../platform/errors.ts';

/**
 * `[ENV] [-- COMMAND...]` as typed after `boshvirt <name>`, flags among them: the environment (undefined: the default one) and the
 * command to run there.
 */
export function passedWords(
  name: string,
  argv: readonly string[],
): { environment: string | undefined; command: string[] } {
  const end = argv.indexOf('--');
  const [environment, ...more] = (end === -1 ? argv : argv.slice(0, end)).filter(
    (word) => !word.startsWith('-'),
  );
  const command = end === -1 ? [] : argv.slice(end + 1);
  if (more.length === 0) return { environment, command };
  throw new UserError('USAGE', `Unexpected argument: ${more.join(' ')}`, {
    hints: [`the command comes after two dashes: boshvirt ${name} ${environment} -- ${more.join(' ')}`],
  });
}
