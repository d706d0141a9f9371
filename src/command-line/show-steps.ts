import type { Step } from '../environment/steps/step.ts';
import { formatDuration } from '../platform/amounts.ts';

export interface ShowOptions {
  readonly signal: AbortSignal;
  /** No words at all: the answer is a JSON document. */
  readonly quiet: boolean;
}

/**
 * Runs steps one after the other and shows them on stderr: a live list on a terminal, else one line per transition.
 * stdout stays clean for data.
 */
export async function showSteps<Context>(
  steps: readonly Step<Context>[],
  context: Context,
  options: ShowOptions,
): Promise<void> {
  const { isTTY, columns } = process.stderr;
  // a terminal that does not know its width (a serial line, an expect script) cannot be drawn on
  const live = isTTY === true && columns >= 20 && !options.quiet && process.env.TERM !== 'dumb';
  if (live) await showLive(steps, context, options);
  else await showPlain(steps, context, options);
}

async function showPlain<Context>(
  steps: readonly Step<Context>[],
  context: Context,
  { signal, quiet }: ShowOptions,
): Promise<void> {
  const write = (line: string) => {
    if (!quiet) process.stderr.write(`${line}\n`);
  };
  for (const [at, step] of steps.entries()) {
    signal.throwIfAborted();
    const title = `[${at + 1}/${steps.length}] ${step.title}`;
    const reason = await step.skip?.(context);
    if (reason !== undefined) {
      write(`${title}: not needed (${reason})`);
      continue;
    }
    write(`${title} ...`);
    const start = performance.now();
    await step.run(context, (line) => write(`      ${line}`));
    write(`${title}: done (${formatDuration(performance.now() - start)})`);
  }
}

async function showLive<Context>(
  steps: readonly Step<Context>[],
  context: Context,
  { signal }: ShowOptions,
): Promise<void> {
  const { Listr, ListrLogger, ProcessOutput, PRESET_TIMER } = await import('listr2');
  const logger = new ListrLogger({ processOutput: new ProcessOutput(process.stderr, process.stderr) });
  const tasks = new Listr(
    steps.map((step) => ({
      title: step.title,
      skip: async () => {
        const reason = await step.skip?.(context);
        return reason === undefined ? false : `${step.title}: not needed (${reason})`;
      },
      task: async (_: unknown, task: { output: string }) => {
        signal.throwIfAborted();
        await step.run(context, (line) => {
          task.output = line;
        });
      },
    })),
    {
      renderer: 'default',
      rendererOptions: {
        logger,
        timer: PRESET_TIMER,
        collapseSkips: true,
        collapseErrors: false,
        showErrorMessage: false,
      },
      registerSignalListeners: false, // our own handler lets the running step end well
    },
  );
  await tasks.run();
}
