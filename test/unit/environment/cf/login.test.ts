import { writeFile } from 'node:fs/promises';
import { afterEach, beforeAll, expect, test, vi } from 'vitest';
import { cfEnvironment } from '../../../../src/environment/cf/cf-environment.ts';
import { writeCfRecord } from '../../../../src/environment/cf/cf-record.ts';
import { cfLogin } from '../../../../src/environment/cf/login.ts';
import { makePlace, type Place, startServices } from '../../../support/stand-ins/services.ts';
import { liteScene, quietCaller } from './lite-scene.ts';

let place: Place;
beforeAll(async () => {
  place = await makePlace();
});
afterEach(() => {
  vi.unstubAllEnvs();
});

const values = {
  '/lite/other/cf_admin_password': 'of another deployment',
  '/lite/cf/cf_admin_password': 'the-password-of-cf',
};

const scriptedCf = `#!/bin/sh
echo "$@" >> "$0.calls"
[ "$1" = auth ] && { echo "$CF_USERNAME:$CF_PASSWORD" > "$0.login"; echo "hello $CF_PASSWORD"; }
exit 0
`;

/** A machine that knows these names; the real one knows none of a test's. */
async function knowing(scene: Awaited<ReturnType<typeof liteScene>>, names: string): Promise<void> {
  const script = `#!/bin/sh\ncase "$2" in ${names}) echo "10.245.0.34 STREAM $2";; *) exit 2;; esac\n`;
  await writeFile(scene.path('bin/getent'), script, { mode: 0o755 });
  await writeFile(scene.path('bin/cf'), scriptedCf, { mode: 0o755 });
}

test('login goes through the environment of the cf CLI', async () => {
  await using services = await startServices(place, { values });
  await using scene = await liteScene('', services);
  await knowing(scene, '*.cf.test');
  const caller = quietCaller();
  expect(await cfLogin('work', caller)).toEqual({ api: 'https://api.cf.test', username: 'admin' });
  expect(await scene.read('bin/cf.calls')).toBe('api https://api.cf.test --skip-ssl-validation\nauth\n');
  expect(await scene.read('bin/cf.login')).toBe('admin:the-password-of-cf\n');
  expect(caller.said).toEqual(['hello <redacted>']);
});

test('a name that this machine does not know is told of before the cf CLI fails at it', async () => {
  await using services = await startServices(place, { values });
  await using scene = await liteScene('', services);
  await knowing(scene, 'other.test');
  await expect(cfLogin('work', quietCaller())).rejects.toMatchObject({
    code: 'PREFLIGHT',
    message: 'This machine does not know the name api.cf.test',
    hints: expect.arrayContaining([expect.stringContaining('10.245.0.34')]),
  });
  await expect(scene.read('bin/cf.calls')).rejects.toThrow('ENOENT');
});

test('without a cf CLI it is said where to have one', async () => {
  await using services = await startServices(place, { values });
  await using _ = await liteScene('', services);
  vi.stubEnv('PATH', '/nowhere');
  await expect(cfLogin('work', quietCaller())).rejects.toMatchObject({
    code: 'PREFLIGHT',
    hints: expect.arrayContaining([expect.stringContaining('boshvirt cf env work')]),
  });
});

test('variables name the domain and the deployment that was asked for last', async () => {
  await using services = await startServices(place, { values });
  await using _ = await liteScene('', services);
  expect(await cfEnvironment('work', quietCaller())).toEqual({
    CF_API: 'https://api.cf.test',
    CF_USERNAME: 'admin',
    CF_PASSWORD: 'the-password-of-cf',
  });
  await writeCfRecord('work', {
    ...{ version: 1, cfDeployment: 'pinned', deployment: 'other', systemDomain: '10.245.0.34.sslip.io' },
    ...{ ops: [], vars: {}, varsFiles: [] },
  });
  expect(await cfEnvironment('work', quietCaller())).toMatchObject({
    CF_API: 'https://api.10.245.0.34.sslip.io',
    CF_PASSWORD: 'of another deployment',
  });
});

test('where none was deployed it is said how to', async () => {
  await using services = await startServices(place, { values: {} });
  await using _ = await liteScene('', services);
  await expect(cfEnvironment('work', quietCaller())).rejects.toMatchObject({
    code: 'NO_ENVIRONMENT',
    hints: ['deploy one: boshvirt cf up work'],
  });
});
