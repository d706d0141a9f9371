import { BoshvirtError, BugError, exitStatus, messageChain, messageOf } from '../platform/errors.ts';
import { Interrupted } from './interrupts.ts';

/** The exit status of a failure; what we do not know is a bug (1). */
export function exitStatusOf(error: unknown): number {
  if (error instanceof Interrupted) return error.status;
  if (error instanceof BoshvirtError) return exitStatus[error.code];
  if (isUsage(error)) return exitStatus.USAGE;
  if (isAbandonedPrompt(error)) return exitStatus.INTERRUPTED;
  const oclif = oclifExit(error);
  return oclif ?? exitStatus.BUG;
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
      message: messageOf(error),
      hints: hintsOf(error),
      exit: exitStatusOf(error),
    },
  };
}

export function errorText(error: unknown): string {
  const lines = [`Error: ${error instanceof BoshvirtError ? messageOf(error) : messageChain(error)}`];
  for (const hint of hintsOf(error)) lines.push(`  → ${hint}`);
  if (codeOf(error) === 'BUG') {
    if (error instanceof Error && error.stack) lines.push(error.stack);
    lines.push('This is a bug in boshvirt: please report it with the lines above.');
  }
  return `${lines.join('\n')}\n`;
}

function codeOf(error: unknown): string {
  if (error instanceof Interrupted || isAbandonedPrompt(error)) return 'INTERRUPTED';
  if (error instanceof BoshvirtError && !(error instanceof BugError)) return error.code;
  return isUsage(error) ? 'USAGE' : 'BUG';
}

const hintsOf = (error: unknown): readonly string[] => {
  if (error instanceof BoshvirtError) return error.hints;
  const suggestions = (error as { suggestions?: string[] } | undefined)?.suggestions;
  return suggestions ?? (isUsage(error) ? ['boshvirt help shows commands and flags'] : []);
};

/** oclif's own errors are about what was typed; they carry `oclif.exit`. */
const isUsage = (error: unknown): boolean => (oclifExit(error) ?? 0) !== 0;

function oclifExit(error: unknown): number | undefined {
  return (error as { oclif?: { exit?: number } } | undefined)?.oclif?.exit;
}

/** Ctrl-C at a question. */
const isAbandonedPrompt = (error: unknown): boolean =>
  error instanceof Error && error.name === 'ExitPromptError';
