/** `npm run bench [NAME…] [-- --markdown]`: measures the figures of docs/benchmarks.md, or those that are named. */
import { cpus, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { openBench } from './bench.ts';
import type { Row } from './figure.ts';
import { figures } from './figures/index.ts';
import { launcher } from './harness/cpi.ts';
import { runProgram } from './harness/programs.ts';
import { markdownTable, plainLine } from './table.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { markdown: { type: 'boolean', default: false } },
});
const unknown = positionals.filter((name) => !figures.some((figure) => figure.name === name));
if (unknown.length > 0) {
  const names = figures.map(({ name }) => name).join(', ');
  process.stderr.write(`There is no figure ${unknown.join(', ')}; there are: ${names}\n`);
  process.exitCode = 2;
} else await measure(figures.filter(({ name }) => positionals.length === 0 || positionals.includes(name)));

async function measure(chosen: typeof figures): Promise<void> {
  const interrupted = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.once(name, () => interrupted.abort(new Error(`interrupted by ${name}`)));
  }
  await runProgram([launcher, '--version']); // builds it if it is older than its sources
  say(await machineText());
  const rows: Row[] = [];
  {
    await using bench = openBench(interrupted.signal);
    for (const figure of chosen) {
      const measured = await figure.measure(bench);
      for (const row of measured) say(plainLine(row));
      rows.push(...measured);
    }
  }
  say(`load average at the end: ${load()}\n`);
  if (values.markdown) process.stdout.write(`\n${markdownTable(rows)}`);
}

async function machineText(): Promise<string> {
  const versions = await Promise.all(
    [['virsh', '--version'] as const, ['qemu-img', '--version'] as const].map(async (argv) => {
      const { stdout } = await runProgram([...argv]);
      return `${argv[0]} ${stdout.split('\n')[0]}`;
    }),
  );
  const processors = cpus();
  return [
    `${processors.length} × ${processors[0]?.model}, Node ${process.version}, ${versions.join(', ')}`,
    `load average at the start: ${load()}`,
    '',
  ].join('\n');
}

function load(): string {
  return loadavg()
    .map((value) => value.toFixed(1))
    .join(' ');
}

function say(text: string): void {
  process.stderr.write(text);
}
