import { type Config, Errors } from '@oclif/core';
import { UserError } from '../platform/errors.ts';
import { nearest } from '../platform/nearest.ts';

/** What oclif has to say about what was typed, in our words, with a guess at what was meant. Other errors come back as they are. */
export function usageError(error: unknown, config: Config, commandId?: string): unknown {
  if (!(error instanceof Errors.CLIError) || error.oclif.exit === 0) return error;
  const missing = /^command (\S+) not found\.?$/i.exec(error.message)?.[1];
  if (missing !== undefined) return unknownCommand(missing, config);
  return new UserError('USAGE', oneLine(error.message), {
    cause: error,
    hints: [...flagGuesses(error, config, commandId), helpHint(commandId)],
  });
}

/** What the same thing is called by those who come from vagrant, minikube, docker compose or bosh. */
const otherNames = new Map([
  ['destroy', 'down'],
  ['delete', 'down'],
  ['delete-env', 'down'],

  ['create', 'up'],
  ['create-env', 'up'],
  ['start', 'up'],
  ['provision', 'up'],
  ['reload', 'up --recreate'],
  ['ps', 'list'],
  ['envs', 'list'],
]);

function unknownCommand(id: string, config: Config): UserError {
  const typed = id.replaceAll(':', ' ');
  const names = config.commandIDs.map((name) => name.replaceAll(':', ' '));
  const topics = config.topics.map((topic) => topic.name);
  // words after the command's name may be its arguments
  const guess =
    otherNames.get(typed.split(' ')[0] ?? '') ??
    nearest(typed, names) ??
    nearest(typed.split(' ')[0] ?? '', [...names, ...topics]);
  return new UserError('USAGE', `There is no command '${typed}'`, {
    hints: [...(guess ? [`did you mean: boshvirt ${guess}`] : []), 'boshvirt help lists the commands'],
  });
}

function flagGuesses(error: Error, config: Config, commandId: string | undefined): string[] {
  const typed = 'flags' in error && Array.isArray(error.flags) ? error.flags.map(String) : [];
  const known = Object.keys((commandId && config.findCommand(commandId)?.flags) || {}).map(
    (name) => `--${name}`,
  );
  const guesses = typed.map((flag) => nearest(flag, known)).filter((guess) => guess !== undefined);
  return guesses.length > 0 ? [`did you mean ${guesses.join(', ')}?`] : [];
}

const helpHint = (commandId: string | undefined): string =>
  commandId === undefined
    ? 'boshvirt help lists the commands'
    : `boshvirt help ${commandId.replaceAll(':', ' ')} shows its flags and arguments`;

/** oclif puts lists, and a word about its help, on lines of their own. */
function oneLine(message: string): string {
  return message
    .replace('Nonexistent flag', 'Unknown flag')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && line !== 'See more help with --help')
    .reduce((text, line) => `${text}${text.endsWith(':') ? '' : ':'} ${line}`);
}
