import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Figure } from '../figure.ts';
import { runProgram } from '../harness/programs.ts';
import { within } from '../target.ts';

/** The largest amount of memory that create_stemcell ever has, in MB. */
export const stemcellMemory: Figure = {
  name: 'stemcell-memory',
  async measure(bench) {
    const { cpi, folder } = await bench.rig();
    const { raw } = await bench.images();
    const [ours, theirs] = await bench.compare(
      3,
      () =>
        peakOf(folder, async (env) => {
          const { result } = await cpi.run('create_stemcell', [raw, {}, {}], { env });
          await cpi.call('delete_stemcell', [result]);
        }),
      () => peakOf(folder, (env) => runProgram([process.execPath, '-e', '0'], { env })),
    );
    return [
      {
        what: 'create_stemcell, 2 GiB raw, peak memory',
        ours,
        beside: 'node -e 0',
        theirs,
        target: within(100, 'MB'),
        unit: 'MB',
      },
    ];
  },
};

/** Has the Node that `work` starts with this environment write down its peak when it ends. */
async function peakOf(
  folder: string,
  work: (env: Record<string, string>) => Promise<unknown>,
): Promise<number> {
  const report = join(folder, 'peak');
  const reporter = join(import.meta.dirname, '..', 'harness', 'report-peak.cjs');
  await work({ NODE_OPTIONS: `--require=${reporter}`, BENCH_PEAK_FILE: report });
  const status = await readFile(report, 'utf8');
  const kilobytes = /VmHWM:\s+(\d+) kB/.exec(status)?.[1];
  if (kilobytes === undefined) throw new Error(`there is no peak in:\n${status}`);
  return Number(kilobytes) / 1024;
}
