import { errnoOf } from '../platform/errors.ts';

/** The one place that ends the process: output that is still on its way is written first. */
export function endProcess(status: number): void {
  process.exitCode = status;
  let waiting = 2;
  const flushed = () => {
    waiting -= 1;
    if (waiting === 0) process.exit(status);
  };
  for (const stream of [process.stdout, process.stderr]) stream.write('', flushed);
}

/** `boshvirt logs | head`: one who has read enough closes the pipe, which is no failure. */
export function endWithTheReader(): void {
  process.stdout.on('error', (error) => {
    if (errnoOf(error) !== 'EPIPE') throw error;
    process.exit(0);
  });
}

/** For one who does not want to wait for what is under way. */
export function endAtOnce(status: number): never {
  process.exit(status);
}
