import { stat, writeFile } from 'node:fs/promises';
import { afterEach, expect, test, vi } from 'vitest';
import { directorAccess, directorBosh } from '../../../../src/environment/director/index.ts';
import { environmentPaths } from '../../../../src/environment/paths.ts';
import { silentLog } from '../../../../src/platform/log.ts';
import { scriptedDirector, store } from './scripted-director.ts';

afterEach(() => {
  vi.unstubAllEnvs();
});

test('bosh is logged in by its environment, with nothing secret among its words', async () => {
  vi.stubEnv('BOSH_DEPLOYMENT', 'of another day');
  vi.stubEnv('no_proxy', 'example.com');
  await using scene = await scriptedDirector('cat "$BOSH_CA_CERT" > "$dir/ca"; echo said');
  expect(await (await scene.bosh()).run(['deployments', '--column=name'])).toBe('said\n');
  expect(await scene.read('calls')).toBe('deployments --column=name\n');
  expect(await scene.read('ca')).toBe(store.director_ssl.ca);
  const variables = (await scene.read('env')).split('\n');
  const { work } = environmentPaths('work');
  for (const line of [
    'BOSH_ENVIRONMENT=https://192.168.77.10:25555',
    'BOSH_CLIENT=admin',
    `BOSH_CLIENT_SECRET=${store.admin_password}`,
    'BOSH_NON_INTERACTIVE=true',
    'NO_PROXY=example.com,192.168.77.10',
    `HOME=${work}`,
  ])
    expect(variables).toContain(line);
  expect(variables.filter((line) => line.startsWith('BOSH_DEPLOYMENT'))).toEqual([]);
  expect((await stat(`${work}/director-ca.pem`)).mode & 0o777).toBe(0o600);
});

test('a refusal is told in the words of bosh, without secrets, wherever it says them', async () => {
  await using scene = await scriptedDirector(`
    [ "$1" = deploy ] && echo "Task 7 | 10:00:00 | Error: no stemcell for ${store.admin_password}"
    [ "$2" = --json ] && echo '{"Tables":null,"Lines":["Using it","Finding configs:","not there"]}'
    printf 'Expected task\\n  %s\\nExit code 1\\n' "to succeed" >&2; exit 1`);
  const bosh = await scene.bosh();
  const lines: string[] = [];
  await expect(bosh.run(['deploy'], { onLine: (line) => lines.push(line) })).rejects.toMatchObject({
    code: 'DIRECTOR',
    message:
      'bosh deploy failed: Expected task to succeed Task 7 | 10:00:00 | Error: no stemcell for <redacted>',
  });
  expect(lines).toContain('Task 7 | 10:00:00 | Error: no stemcell for <redacted>');
  await expect(bosh.rows(['configs'])).rejects.toThrow('Finding configs: not there');
});

test('rows are those of the table that bosh gives as JSON', async () => {
  await using scene = await scriptedDirector(`echo '{"Tables":[{"Rows":[{"id":"1*"}]}]}'`);
  expect(await (await scene.bosh()).rows(['configs'])).toEqual([{ id: '1*' }]);
  expect(await scene.read('calls')).toBe('configs --json\n');
});

test('access knows UAA and CredHub where the manifest has them, and no machine without a director', async () => {
  await using scene = await scriptedDirector('');
  expect(await directorAccess(scene.record)).toEqual({
    url: 'https://192.168.77.10:25555',
    client: 'admin',
    secret: store.admin_password,
    ca: store.director_ssl.ca,
    uaa: { url: 'https://192.168.77.10:8443', ca: store.uaa_ssl.ca },
    credhub: {
      url: 'https://192.168.77.10:8844',
      client: 'credhub-admin',
      secret: store.credhub_admin_client_secret,
      ca: store.credhub_tls.ca,
    },
  });
  await writeFile(environmentPaths('work').credentials, 'admin_password: x\ndirector_ssl: {ca: y}\n');
  expect(await directorAccess(scene.record)).toMatchObject({ uaa: undefined, credhub: undefined });
  await writeFile(environmentPaths('work').credentials, 'admin_password: x\n');
  await expect(directorAccess(scene.record)).rejects.toMatchObject({ code: 'STATE_DAMAGED' });
  const machine = { ...scene.record, profile: 'machine' as const };
  await expect(directorAccess(machine)).rejects.toMatchObject({ code: 'USAGE' });
});

test('without a bosh it is said where to have one', async () => {
  await using scene = await scriptedDirector('');
  for (const name of ['PATH', 'XDG_CACHE_HOME']) vi.stubEnv(name, scene.path('nowhere'));
  const caller = { log: silentLog, signal: new AbortController().signal };
  await expect(directorBosh(scene.record, caller)).rejects.toMatchObject({
    code: 'PREFLIGHT',
    hints: expect.arrayContaining(['boshvirt up fetches it']),
  });
});
