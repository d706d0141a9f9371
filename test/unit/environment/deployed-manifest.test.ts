import { mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openManifest } from '../../../src/environment/deployed-manifest.ts';
import { recordWith } from '../../support/environment-record.ts';

test('the manifest that is kept has boshvirt’s own variables filled in, and nobody else’s', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'manifest-'));
  const [ops, varsFile] = [join(folder.path, 'ops.yml'), join(folder.path, 'vars.yml')];
  await writeFile(ops, '- { type: replace, path: /added?, value: [((typed)), ((filed))] }\n');
  await writeFile(varsFile, 'filed: secret-1\n');
  const record = recordWith({ ops: [ops], varsFiles: [varsFile], vars: { typed: 'secret-2' } });
  const text = await openManifest(record, { path: '/stemcell.tgz', sha1: 'abc' }, '/bin/boshvirt');
  expect(text).toContain('memory: 700');
  expect(text).toContain('- ((typed))\n  - ((filed))');
  expect(text).toContain('((mbus_bootstrap_password))');
  expect(text).not.toContain('secret-');
});
