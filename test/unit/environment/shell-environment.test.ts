import { writeFile } from 'node:fs/promises';
import { afterEach, expect, test, vi } from 'vitest';
import { stringify } from 'yaml';
import { environmentPaths } from '../../../src/environment/paths.ts';
import { writeRecord } from '../../../src/environment/record.ts';
import { shellEnvironment } from '../../../src/environment/shell-environment.ts';
import { scriptedDirector, store } from './director/scripted-director.ts';

afterEach(() => {
  vi.unstubAllEnvs();
});

const keys = { machine_ssh: { private_key: 'of the machine' }, jumpbox_ssh: { private_key: 'of jumpbox' } };

test('with a director the variables log bosh and credhub in; credhub trusts UAA as well', async () => {
  await using scene = await scriptedDirector('');
  await writeRecord(scene.record);
  await writeFile(environmentPaths('work').credentials, stringify({ ...store, ...keys }));
  const variables = await shellEnvironment('work');
  expect(variables).toMatchObject({
    BOSHVIRT_ENV: 'work',
    BOSH_ENVIRONMENT: 'https://192.168.77.10:25555',
    BOSH_CLIENT: 'admin',
    BOSH_CLIENT_SECRET: store.admin_password,
    BOSH_CA_CERT: store.director_ssl.ca,
    CREDHUB_SERVER: 'https://192.168.77.10:8844',
    CREDHUB_CLIENT: 'credhub-admin',
    CREDHUB_SECRET: store.credhub_admin_client_secret,
    CREDHUB_CA_CERT: 'CA of CredHub\nCA of the UAA',
  });
  expect(await scene.read(`boshvirt/envs/work/ssh/id_rsa`)).toBe('of jumpbox\n');
});

test('a machine without a director has none of them', async () => {
  await using scene = await scriptedDirector('');
  await writeRecord({ ...scene.record, profile: 'machine' });
  await writeFile(environmentPaths('work').credentials, stringify({ ...store, ...keys }));
  const names = Object.keys(await shellEnvironment('work'));
  expect(names.filter((name) => /^(BOSH|CREDHUB)_/.test(name))).toEqual([]);
  expect(await scene.read(`boshvirt/envs/work/ssh/id_rsa`)).toBe('of the machine\n');
});
