import { ToolError } from '../../platform/errors.ts';
import type { DirectorBosh } from '../director/index.ts';
import type { Caller } from '../steps/step.ts';
import { readDeployLine } from './deploy-line.ts';

/** Deploying Cloud Foundry from source takes hours on a laptop. */
const timeoutMs = 6 * 3600_000;
const cancelMs = 60_000;

interface TaskOptions {
  readonly caller: Pick<Caller, 'signal' | 'tell'>;
  readonly environment: string;
  readonly deployment: string;
  readonly say: (line: string) => void;
}

/**
 * Runs a bosh command that is a task of the director's, and says its steps when they begin and when they have ended. Once the
 * signal fires the director is asked to cancel the task, which it does at a point that is safe. A ToolError tells bosh's words,
 * and how to look and to go on.
 */
export async function runTask(
  bosh: DirectorBosh,
  words: readonly string[],
  { caller, environment, deployment, say }: TaskOptions,
): Promise<void> {
  let task: number | undefined;
  let last = '';
  const onLine = (line: string) => {
    const step = readDeployLine(line);
    if (!step) return;
    task = step.task;
    if (step.text !== last) say(step.text);
    last = step.text;
  };
  try {
    await bosh.run(words, { onLine, onUnfinishedLine: onLine, timeoutMs, signal: caller.signal });
  } catch (error) {
    if (caller.signal.aborted && task !== undefined) await cancel(bosh, task, caller);
    caller.signal.throwIfAborted();
    if (!(error instanceof ToolError)) throw error;
    throw new ToolError(error.code, error.message, {
      cause: error,
      command: error.command,
      exitCode: error.exitCode,
      output: error.output,
      hints: [
        ...(task === undefined
          ? []
          : [`all that the director did: boshvirt exec ${environment} -- bosh task ${task} --debug`]),
        `how the instances are: boshvirt exec ${environment} -- bosh -d ${deployment} instances --ps`,
        'the same command again goes on from there',
      ],
    });
  }
}

async function cancel(bosh: DirectorBosh, task: number, { tell }: Pick<Caller, 'tell'>): Promise<void> {
  const signal = AbortSignal.timeout(cancelMs);
  await bosh.run(['cancel-task', String(task)], { timeoutMs: cancelMs, signal }).then(
    () => tell(`task ${task} of the director is cancelled; it ends once its step has`),
    () => tell(`task ${task} goes on at the director: bosh cancel-task ${task} ends it`),
  );
}
