import { BoshvirtError, BugError, errnoOf, exitStatus, messageChain, messageOf } from '../platform/errors.ts';
import { Interrupted } from './interrupts.ts';

type Code = keyof typeof exitStatus;

/** What the operating system refuses, which is nobody's bug: the folder is not ours, or the disk is full. */
const systemFailures: Readonly<Record<string, { code: Code; hint: string }>> = {
  EACCES: { code: 'PERMISSION', hint: 'look who owns it: ls -ld' },
  EPERM: { code: 'PERMISSION', hint: 'look who owns it: ls -ld' },
  EROFS: {
    code: 'PERMISSION',
    hint: 'the file system is read-only: set XDG_DATA_HOME, XDG_STATE_HOME, XDG_CACHE_HOME',
  },
  ENOTDIR: { code: 'PERMISSION', hint: 'a file lies where a folder is needed' },
  EEXIST: { code: 'PERMISSION', hint: 'a file lies where a folder is needed' },
  ENOSPC: { code: 'NO_RESOURCES', hint: 'the file system is full: df -h' },
  EDQUOT: { code: 'NO_RESOURCES', hint: 'your quota is used up' },
};

/** The exit status of a failure; what we do not know is a bug (1). */
export function exitStatusOf(error: unknown): number {
  if (error instanceof Interrupted) return error.status;
  return oclifExit(error) === 0 ? 0 : exitStatus[codeOf(error)];
}

/** Says on stderr what failed and what to do; with --json, one document on stdout. */
export function printError(error: unknown, asJson: boolean): void {
  if (oclifExit(error) === 0) return;
  if (asJson) process.stdout.write(`${JSON.stringify(errorDocument(error), null, 2)}\n`);
  else process.stderr.write(errorText(error));
}

function errorDocument(error: unknown) {
  return {
    error: {
      code: codeOf(error),
      message: textOf(error),
      hints: hintsOf(error),
      exit: exitStatusOf(error),
    },
  };
}

export function errorText(error: unknown): string {
  const lines = [`Error: ${textOf(error)}`];
  for (const hint of hintsOf(error)) lines.push(`  → ${hint}`);
  if (codeOf(error) === 'BUG') {
    if (error instanceof Error && error.stack) lines.push(error.stack);
    lines.push('This is a bug in boshvirt: please report it with the lines above.');
  }
  return `${lines.join('\n')}\n`;
}

/** Our own messages are whole; of others the causes tell more. */
function textOf(error: unknown): string {
  if (isAbandonedPrompt(error)) return 'interrupted at the question; nothing was done';
  return error instanceof BoshvirtError ? messageOf(error) : messageChain(error);
}

function codeOf(error: unknown): Code {
  if (error instanceof Interrupted || isAbandonedPrompt(error)) return 'INTERRUPTED';
  if (error instanceof BoshvirtError && !(error instanceof BugError)) return error.code;
  return systemFailure(error)?.code ?? 'BUG';
}

function hintsOf(error: unknown): readonly string[] {
  if (error instanceof BoshvirtError) return error.hints;
  const hint = systemFailure(error)?.hint;
  return hint === undefined ? [] : [hint];
}

/** What only files have: Node does not name the file that it writes to. */
const isOfFiles = (code: string): boolean => ['ENOSPC', 'EDQUOT'].includes(code);

/** Only what names a file: an errno of a socket or a process, which we failed to put into words, is a bug. */
function systemFailure(error: unknown) {
  const code = errnoOf(error) ?? '';
  const namesFile = error instanceof Error && 'path' in error && typeof error.path === 'string';
  return namesFile || isOfFiles(code) ? systemFailures[code] : undefined;
}

/** oclif ends a command by throwing: with status 0 nothing failed. */
function oclifExit(error: unknown): number | undefined {
  return (error as { oclif?: { exit?: number } } | undefined)?.oclif?.exit;
}

/** Ctrl-C at a question. */
const isAbandonedPrompt = (error: unknown): boolean =>
  error instanceof Error && error.name === 'ExitPromptError';
