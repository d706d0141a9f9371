import { expect, test } from 'vitest';
import { secretsIn } from '../../../src/cpi/secrets.ts';
import { redactor } from '../../../src/platform/log.ts';

const key = [
  '-----BEGIN RSA PRIVATE KEY-----',
  `MIIE${'a'.repeat(60)}`,
  `tail${'b'.repeat(40)}`,
  '-----END…',
].join('\n');

const request = JSON.stringify({
  method: 'create_vm',
  arguments: [
    'agent-id-1',
    'sc-1',
    { cpu: 2 },
    { default: { ip: '10.0.0.6' } },
    [],
    {
      bosh: {
        password: '$6$salt$hashed',
        mbus: { cert: { ca: 'public-ca', certificate: 'the-certificate', private_key: key } },
        blobstores: [
          { options: { secret_access_key: 'blob-secret', endpoint: 'https://agent:dav-pw@10.0.0.6:25250' } },
          { options: { account_key: 'azure-account-key', json_key: 'google-json-key' } },
        ],
      },
      urls: ['nats://user:p%40ss-word@10.0.0.6:4222', 'https://u:100%of-it@h/'],
    },
  ],
  context: { director_uuid: 'd', vault_token: { nested: ['token-value'] } },
});

const configuration = {
  agent: { mbus: 'https://mbus:mbus-pw@0.0.0.0:6868', blobstore: { options: { password: 'config-pw' } } },
};

test('finds what is secret by its key or in a URL, wherever it lies', () => {
  const hide = redactor(secretsIn(request, configuration));
  const secrets = [
    '$6$salt$hashed',
    'the-certificate',
    'blob-secret',
    'azure-account-key',
    'google-json-key',
    'dav-pw',
    'p%40ss-word',
    'p@ss-word',
    '100%of-it',
  ];
  for (const secret of [
    ...secrets,
    'token-value',
    'mbus-pw',
    'config-pw',
    key,
    ...key.split('\n').slice(1, 3),
  ])
    expect(hide(`<${secret}>`), secret).toBe('<<redacted>>');
  expect(hide(request), 'the key as JSON writes it').not.toContain('MIIE');
});

test('leaves alone what a log is read for', () => {
  const hide = redactor(secretsIn(request, configuration));
  const line = 'create_vm agent-id-1 on sc-1: 10.0.0.6, nats://user:, public-ca';
  expect(hide(line)).toBe(line);
});

test('a request that is no JSON still has the configuration’s secrets', () => {
  expect(secretsIn('{"password": ', configuration)).toEqual(expect.arrayContaining(['mbus-pw', 'config-pw']));
});
