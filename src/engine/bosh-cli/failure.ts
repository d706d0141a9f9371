import { type ErrorCode, ToolError } from '../../platform/errors.ts';

export interface BoshFailure {
  /** `create-env` or `delete-env`. */
  readonly command: string;
  readonly failedStep: string | undefined;
  /** What bosh printed on stderr, without secrets. */
  readonly stderr: string;
  readonly logPath: string;
  readonly exitCode: number | undefined;
}

/** The essence of bosh's failure in a line; all of it is in the log. */
export function boshFailure({
  command,
  failedStep: step,
  stderr,
  logPath,
  exitCode,
}: BoshFailure): ToolError {
  const { code, reason, hints } = essenceOf(stderr);
  const where = step === undefined ? '' : ` at '${step}'`;
  return new ToolError(code, `bosh ${command} failed${where}: ${reason}`, {
    command: `bosh ${command}`,
    exitCode,
    output: stderr,
    hints: [...hints, `all that bosh and the CPI said: ${logPath}`],
  });
}

/** Of a long answer, how many characters of its beginning and of its end are said. */
const answerPart = 300;

interface Essence {
  readonly code: ErrorCode;
  readonly reason: string;
  readonly hints: readonly string[];
}

/**
 * bosh nests what went wrong, the cause innermost and last. A CPI's answer is a JSON value within its line; a program's
 * output follows the line StdErr.
 */
function essenceOf(stderr: string): Essence {
  const lines = stderr
    .split('\n')
    .map((line) => line.trim().replace(/^- /, ''))
    .filter((line) => line !== '' && line !== 'Exit code 1');
  const cpi = lines.map(cpiError).findLast((found) => found !== undefined);
  if (cpi?.includes(' said NoDiskSpace: ')) {
    return { code: 'NO_RESOURCES', reason: cpi, hints: ['free space where the storage pool lies'] };
  }
  if (cpi) return { code: 'CPI', reason: cpi, hints: ['boshvirt doctor looks at the machine'] };
  const reason = [...new Set([lines[0], agentsAnswer(lines) ?? lines.at(-1)])].join(' ') || 'it said nothing';
  if (/Timed out pinging|Agent unreachable/i.test(stderr)) {
    const hints = ['boshvirt logs shows the machine’s console, if the machine still stands'];
    return { code: 'AGENT_TIMEOUT', reason, hints };
  }
  const variables = lines.findIndex((line) => line.startsWith('Expected to find variables'));
  if (variables < 0) return { code: 'CREATE_ENV', reason, hints: [] };
  return {
    code: 'USAGE',
    reason: `nothing gives these variables: ${lines.slice(variables + 1).join(', ')}`,
    hints: ['give them with --var name=value or --vars-file file'],
  };
}

/** What the agent said of an action that failed; it ends with the output of a program, which may have many lines. */
function agentsAnswer(lines: readonly string[]): string | undefined {
  const first = lines.findIndex((line) => line.includes('Action Failed '));
  if (first < 0) return undefined;
  const answer = lines.slice(first).join(' ');
  if (answer.length <= 2 * answerPart) return answer;
  return `${answer.slice(0, answerPart)} … ${answer.slice(-answerPart)}`;
}

/** "CPI 'create_vm' method responded with error: CmdError{"type":...}" in short. */
function cpiError(line: string): string | undefined {
  const [, method, json = ''] = line.match(/CPI '(\w+)' method responded with error: CmdError(\{.*\})/) ?? [];
  if (method === undefined) return undefined;
  try {
    const { type, message }: { type: string; message: string } = JSON.parse(json);
    return `the CPI's ${method} said ${type.replace('Bosh::Clouds::', '')}: ${message}`;
  } catch {
    return line;
  }
}
