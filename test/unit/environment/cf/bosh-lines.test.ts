import { mkdtempDisposable, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { boshLines } from '../../../../src/environment/cf/bosh-lines.ts';
import { cfTree } from '../../../../src/environment/cf/cf-tree.ts';
import { planCf } from '../../../../src/environment/cf/plan-cf.ts';
import { packageRoot } from '../../../../src/platform/package-root.ts';
import { run } from '../../../../src/platform/process.ts';

const fixture = join(import.meta.dirname, '..', '..', '..', 'fixtures', 'cf-deployment');

/** A folder with programs that note their words, one a line, and the lines for a deployment with a variable of the user's. */
async function scene(host: 'system' | 'private') {
  const folder = await mkdtempDisposable(join(tmpdir(), "bv-it's "));
  const [varsFile, said] = [join(folder.path, 'vars.yml'), join(folder.path, 'said')];
  await writeFile(varsFile, 'other: value\n');
  for (const name of ['bosh', 'boshvirt']) {
    const text = `#!/bin/sh\n[ "$1" = env ] && { echo 'export LOGGED_IN=yes'; exit; }
for word in ${name} "$@"; do echo "$word"; done >> "\${0%/*}/said"
echo "logged in: $LOGGED_IN" >> "\${0%/*}/login"\n`;
    await writeFile(join(folder.path, name), text, { mode: 0o755 });
  }
  const plan = await planCf({
    tree: await cfTree(fixture),
    ...{ systemDomain: 'cf.test', routerIp: '10.245.0.34', ops: [], stemcellPins: [] },
    ...{ vars: { smtp_password: 'never to be seen' }, varsFiles: [varsFile], canHave: async () => true },
  });
  const lines = boshLines(plan, ['smtp_password'], { name: 'work', host });
  return {
    ...{ lines, varsFile },
    async paste(): Promise<string[]> {
      const env = { PATH: `${folder.path}:/usr/bin:/bin`, LOGGED_IN: '' };
      await run(['sh', '-eu', '-c', lines.join('\n')], { env, cleanEnv: true, timeoutMs: 20_000 });
      return (await readFile(said, 'utf8')).trimEnd().split('\n');
    },
    login: async () => await readFile(join(folder.path, 'login'), 'utf8'),
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

const stemcellWords = [
  'upload-stemcell',
  'https://bosh.io/d/stemcells/bosh-warden-boshlite-ubuntu-noble?v=1.330',
  '--name=bosh-warden-boshlite-ubuntu-noble',
  '--version=1.330',
];

test('pasted into a shell, the lines give bosh what it is to have', async () => {
  await using it = await scene('system');
  expect(await it.paste()).toEqual([
    ...['bosh', ...stemcellWords],
    ...['bosh', '-d', 'cf', 'deploy', join(fixture, 'cf-deployment.yml')],
    ...['-o', join(fixture, 'operations/bosh-lite.yml')],
    ...['-o', join(fixture, 'operations/use-compiled-releases.yml')],
    ...['-o', join(packageRoot(), 'ops-files/cf-lite.yml')],
    ...['-l', it.varsFile],
    ...['-v', 'system_domain=cf.test', '-v', 'router_ip=10.245.0.34'],
    // without its quotes bosh would read the number 1.33
    ...['-v', 'stemcell_version="1.330"', '--vars-env=CF_VAR'],
  ]);
  expect(await it.login()).toBe('logged in: yes\nlogged in: yes\n');
});

test("the user's own values are named, not shown", async () => {
  await using it = await scene('system');
  expect(it.lines.join('\n')).not.toContain('never to be seen');
  expect(it.lines).toContain('# set and export CF_VAR_smtp_password, the value of -v smtp_password, as YAML');
});

test('where the director is in a private network, boshvirt leads there', async () => {
  await using it = await scene('private');
  expect((await it.paste()).slice(0, 5)).toEqual(['boshvirt', 'exec', 'work', '--', 'bosh']);
  expect((await it.paste()).slice(5, 9)).toEqual(stemcellWords);
});
