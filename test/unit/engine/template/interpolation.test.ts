/** Operations and variables as bosh applies them, and, where a real bosh is at hand, as it does itself. */
import { mkdtempDisposable, readFile, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { renderManifest } from '../../../../src/engine/template/index.ts';
import { UserError } from '../../../../src/platform/errors.ts';
import { run } from '../../../../src/platform/process.ts';
import { type InterpolationCase, interpolationCases } from './interpolation-cases.ts';

const boshPath = process.env.BOSHVIRT_TEST_BOSH;

async function inputsOf({ document, ops, vars = {} }: InterpolationCase) {
  const folder = await mkdtempDisposable(join(tmpdir(), 'boshvirt-template-'));
  const manifestPath = join(folder.path, 'manifest.yml');
  const opsPath = join(folder.path, 'ops.yml');
  await writeFile(manifestPath, document);
  await writeFile(opsPath, ops ?? '[]');
  return { folder, inputs: { manifestPath, opsFiles: [opsPath], vars, varsFiles: [] } };
}

describe.each(interpolationCases)('$title', (each) => {
  test('by boshvirt', async () => {
    const { folder, inputs } = await inputsOf(each);
    await using _ = folder;
    if (each.expected === undefined) {
      await expect(renderManifest(inputs)).rejects.toThrow(UserError);
      return;
    }
    const { manifest, text } = await renderManifest(inputs);
    expect(manifest).toEqual(each.expected);
    expect(parse(text, { version: '1.1' })).toEqual(each.expected);
  });

  test.skipIf(boshPath === undefined)(
    'by bosh (needs BOSHVIRT_TEST_BOSH, the path of a real bosh)',
    async () => {
      const { folder, inputs } = await inputsOf(each);
      await using _ = folder;
      const varsPath = join(folder.path, 'vars.json');
      await writeFile(varsPath, JSON.stringify(inputs.vars));
      const words = ['int', inputs.manifestPath, '-o', ...inputs.opsFiles, '-l', varsPath, '--var-errs'];
      const asked = run([boshPath ?? 'bosh', ...words]);
      if (each.expected === undefined) await expect(asked).rejects.toThrow('exit status 1');
      else expect(parse((await asked).stdout, { version: '1.1' })).toEqual(each.expected);
    },
  );
});

const withVariables = `
a: ((pw))
b: ((tls.certificate))
c: ((key.public_key))
d: ((rsa.private_key))
variables:
- {name: pw, type: password, options: {length: 30}}
- {name: root, type: certificate, options: {is_ca: true, common_name: root}}
- {name: tls, type: certificate, options: {ca: root, common_name: "((host))", alternative_names: ["((host))", localhost, 10.0.0.6]}}
- {name: key, type: ssh}
- {name: rsa, type: rsa}
`;

test('makes the values of variables once, and keeps them where bosh would', async () => {
  const { folder, inputs } = await inputsOf({
    title: '',
    document: withVariables,
    vars: { host: 'machine' },
  });
  await using _ = folder;
  const varsStorePath = join(folder.path, 'creds.yml');
  const first = await renderManifest({ ...inputs, varsStorePath });
  const store = parse(await readFile(varsStorePath, 'utf8'));
  expect(Object.keys(store)).toEqual(['pw', 'root', 'tls', 'key', 'rsa']);
  expect(first.manifest.a).toMatch(/^[a-z0-9]{30}$/);
  expect(first.manifest).toMatchObject({ a: store.pw, b: store.tls.certificate, d: store.rsa.private_key });
  expect((await stat(varsStorePath)).mode & 0o777).toBe(0o600);
  expect((await renderManifest({ ...inputs, varsStorePath })).text).toBe(first.text);
});

test('openssl and ssh-keygen accept what was made', async () => {
  const { folder, inputs } = await inputsOf({
    title: '',
    document: withVariables,
    vars: { host: 'machine' },
  });
  await using _ = folder;
  const varsStorePath = join(folder.path, 'creds.yml');
  await renderManifest({ ...inputs, varsStorePath });
  const { root, tls, key } = parse(await readFile(varsStorePath, 'utf8'));
  const file = async (name: string, content: string) => {
    await writeFile(join(folder.path, name), content, { mode: 0o600 });
    return join(folder.path, name);
  };
  const [ca, certificate] = [await file('ca.pem', root.certificate), await file('tls.pem', tls.certificate)];
  expect(tls.ca).toBe(root.certificate);
  for (const name of ['machine', 'localhost']) {
    const { stdout } = await run([
      'openssl',
      ...[
        'verify',
        '-x509_strict',
        '-purpose',
        'sslserver',
        '-verify_hostname',
        name,
        '-CAfile',
        ca,
        certificate,
      ],
    ]);
    expect(stdout).toContain('OK');
  }
  await run(['openssl', 'verify', '-verify_ip', '10.0.0.6', '-CAfile', ca, certificate]);
  await expect(
    run(['openssl', 'verify', '-verify_hostname', 'other', '-CAfile', ca, certificate]),
  ).rejects.toThrow('hostname mismatch');
  const { stdout: publicKey } = await run(['ssh-keygen', '-y', '-f', await file('id', key.private_key)]);
  expect(publicKey.trim()).toBe(key.public_key.trim());
});

test.each([
  ['a type that nobody knows', '- {name: x, type: user}', "type 'user'"],
  ['a certificate without a CA', '- {name: x, type: certificate, options: {common_name: y}}', 'names none'],
  ['a CA that is not there', '- {name: x, type: certificate, options: {ca: gone}}', 'gone has no value'],
])('refuses %s by its name', async (_, definition, message) => {
  const document = `a: ((x))\nvariables:\n${definition}\n`;
  const { folder, inputs } = await inputsOf({ title: '', document });
  await using _folder = folder;
  const rendering = renderManifest({ ...inputs, varsStorePath: join(folder.path, 'creds.yml') });
  await expect(rendering).rejects.toThrow(message);
});

test('names every variable without a value at once', async () => {
  const { folder, inputs } = await inputsOf({ title: '', document: 'a: ((one))\nb: "((two))((one))"' });
  await using _ = folder;
  await expect(renderManifest(inputs)).rejects.toThrow('needs values for: one, two');
});

test('refuses a store that was damaged instead of making new secrets', async () => {
  const { folder, inputs } = await inputsOf({ title: '', document: withVariables, vars: { host: 'm' } });
  await using _ = folder;
  const varsStorePath = join(folder.path, 'creds.yml');
  await writeFile(varsStorePath, 'pw: [unclosed');
  await expect(renderManifest({ ...inputs, varsStorePath })).rejects.toMatchObject({ code: 'STATE_DAMAGED' });
  expect(await readFile(varsStorePath, 'utf8')).toBe('pw: [unclosed');
});
