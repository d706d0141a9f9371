/** The contract suite on each backend, with real guests. A clause that is skipped is shown with its reason. */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type BackendName, backendModule, backendNames } from '../../src/cpi/backends/registry.ts';
import { inspect } from '../../src/host/findings/index.ts';
import { silentLog } from '../../src/platform/log.ts';
import { packageRoot } from '../../src/platform/package-root.ts';
import { run } from '../../src/platform/process.ts';
import { runSuite } from '../../src/verify/run-suite.ts';
import { ownScene } from '../../src/verify/scenes/own-scene.ts';

const timeoutMs = 900_000;
const boshvirtCommand = join(packageRoot(), 'bin/boshvirt');

for (const backend of backendNames) {
  const obstacles = await obstaclesTo(backend);
  const title = `${backend} keeps the whole contract`;
  if (obstacles.length > 0) test.skip(`${title} (skipped, it cannot be here: ${obstacles.join('; ')})`);
  else test(title, async () => await expectAll(backend), timeoutMs);
}

/** What on this machine keeps the backend away. */
async function obstaclesTo(backend: BackendName): Promise<string[]> {
  const { checks } = await (await backendModule(backend)).preflight();
  return (await inspect(checks)).filter(({ status }) => status === 'fail').map(({ detail }) => detail);
}

async function expectAll(backend: BackendName): Promise<void> {
  // a checkout's launcher brings the build up to date, but not on the way to the CPI
  await run([boshvirtCommand, '--version'], { timeoutMs: 120_000 });
  const module = await backendModule(backend);
  const signal = AbortSignal.timeout(timeoutMs);
  await using open = await ownScene({ module, boshvirtCommand, log: silentLog, signal });
  const { clauses } = await runSuite(open.scene, { signal });
  const skipped = clauses.filter(({ outcome }) => outcome === 'skipped');
  for (const { id, reason } of skipped) process.stderr.write(`${backend}: ${id} is skipped: ${reason}\n`);
  expect(clauses.filter(({ outcome }) => outcome === 'failed')).toEqual([]);
}
