import { mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readYaml, writeJsonForYaml } from '../../../../src/engine/template/index.ts';
import { run } from '../../../../src/platform/process.ts';

const bosh = process.env.BOSHVIRT_TEST_BOSH ?? '';
const odd = { text: 'a\u007fb\u0085c\u009fd\u2028e\u2029f\ufeffg\uffffh\n\t"\\😀ö' };

test('JSON for YAML is the same data, in characters that no reader of YAML refuses or folds', () => {
  const text = writeJsonForYaml(odd);
  expect(JSON.parse(text)).toEqual(odd);
  expect(readYaml(text, 'it')).toEqual(odd);
  expect(text).toMatch(
    /^[\n\x20-\x7e\u{a0}-\u{2027}\u{202a}-\u{fefe}\u{ff00}-\u{fffd}\u{10000}-\u{10ffff}]*$/u,
  );
});

test.skipIf(bosh === '')('bosh reads it as the same (needs BOSHVIRT_TEST_BOSH, a bosh CLI)', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'bv-json-'));
  const [manifest, vars] = [join(folder.path, 'm.yml'), join(folder.path, 'v.json')];
  await writeFile(manifest, 'text: ((text))\n');
  await writeFile(vars, writeJsonForYaml(odd));
  const { stdout } = await run([bosh, 'int', manifest, '-l', vars], { timeoutMs: 20_000 });
  expect(readYaml(stdout, 'what bosh printed')).toEqual(odd);
});
