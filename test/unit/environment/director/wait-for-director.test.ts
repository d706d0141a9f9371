import { mkdir, writeFile } from 'node:fs/promises';
import { afterEach, expect, test, vi } from 'vitest';
import { stringify } from 'yaml';
import { generateCertificate } from '../../../../src/engine/template/certificates.ts';
import { waitForDirector } from '../../../../src/environment/director/wait-for-director.ts';
import { environmentPaths } from '../../../../src/environment/paths.ts';
import { silentLog } from '../../../../src/platform/log.ts';
import { recordWith } from '../../../support/environment-record.ts';
import { StandInDirector } from '../../../support/stand-ins/director.ts';
import { scriptedDirector } from './scripted-director.ts';

afterEach(() => {
  vi.unstubAllEnvs();
});

/** An address of this machine's own that nothing else listens at. */
const ip = '127.25.55.5';
const caller = { log: silentLog, signal: new AbortController().signal };

async function withCertificate() {
  const scene = await scriptedDirector('');
  const ca = await generateCertificate('ca', { is_ca: true, common_name: 'ca' }, async () => undefined);
  const options = { ca: 'ca', common_name: ip, alternative_names: [ip] };
  const tls = await generateCertificate('director_ssl', options, async () => ({ ...ca }));
  const record = recordWith({
    profile: 'lite',
    uri: `qemu:///system?socket=${scene.path('nobody')}`,
    network: { ...recordWith().network, ip },
  });
  await mkdir(environmentPaths(record.name).work, { recursive: true });
  const store = { admin_password: 'sesame', director_ssl: { ...tls } };
  await writeFile(environmentPaths(record.name).credentials, stringify(store));
  const director = new StandInDirector({
    ...{ host: ip, port: 25555, folder: scene.path('director'), name: 'work', password: 'sesame' },
    ...{ certificate: tls.certificate, key: tls.private_key },
  });
  return { record, director, [Symbol.asyncDispose]: () => scene[Symbol.asyncDispose]() };
}

test('a director that comes late is waited for', async () => {
  await using scene = await withCertificate();
  const said: string[] = [];
  const waiting = waitForDirector(scene.record, caller, (line) => said.push(line), 60_000);
  await vi.waitFor(() => expect(said).toHaveLength(1));
  expect(said[0]).toMatch(/^not yet: .*127\.25\.55\.5.*25555/);
  const server = await scene.director.listen();
  expect(await waiting).toEqual({ name: 'work', version: '1.0.0 (00000000)' });
  server.closeAllConnections();
  server.close();
});

test('of one that never comes it is told what agent and console say', async () => {
  await using scene = await withCertificate();
  await expect(waitForDirector(scene.record, caller, () => {}, 1)).rejects.toMatchObject({
    code: 'DIRECTOR',
    message: expect.stringMatching(
      /did not answer within 0\.001 s: .*25555.*\nThe machine's agent does not answer: .*\nIts console cannot be read: /s,
    ),
    hints: expect.arrayContaining([expect.stringContaining('boshvirt logs work --source director')]),
  });
});
