import { messageOf } from '../../platform/errors.ts';
import { run } from '../../platform/process.ts';
import { CloudError } from '../errors.ts';
import { failure } from '../wire.ts';

export interface Call {
  /** What starts `boshvirt cpi`, with its configuration. */
  readonly argv: readonly [string, ...string[]];
  /** The request as it came. */
  readonly text: string;
  /** A line that it logged; secrets are cut out already. */
  onLog(line: string): void;
}

export interface Outcome {
  /** The CPI's answer as one line without its end. */
  readonly answer: string;
  /** How it went in a word: `ok`, or the type of its error. */
  readonly word: string;
}

/**
 * Answers a request by a process of its own, so that no call can end the server or another call. It is not ended with the
 * server either: what it has begun on the hypervisor it also finishes (docs/decisions/0019). Never throws.
 */
export async function runCall({ argv, text, onLog }: Call): Promise<Outcome> {
  try {
    const { stdout } = await run(argv, {
      input: text,
      timeoutMs: 0, // a create_vm or create_stemcell takes what it takes; its own steps have timeouts
      ownGroup: true,
      failure: 'CPI',
      onLine: (line, stream) => {
        if (stream === 'stderr') onLog(line);
      },
    });
    const word = wordFor(stdout);
    return word === undefined ? noAnswer('it ended well') : { answer: stdout.trimEnd(), word };
  } catch (error) {
    const [said = ''] = messageOf(error).split('\n'); // the lines after it may quote the request; they went to onLog
    return noAnswer(said);
  }
}

function noAnswer(why: string): Outcome {
  const fault = new CloudError('CloudError', `The host's boshvirt cpi gave no answer: ${why}`);
  return { answer: JSON.stringify(failure(fault)), word: 'no answer' };
}

/** undefined for what is no answer of a CPI. */
function wordFor(text: string): string | undefined {
  try {
    const { error } = JSON.parse(text) as { error: { type: string } | null };
    return error === null ? 'ok' : error.type.replace('Bosh::Clouds::', '');
  } catch {
    return undefined;
  }
}
