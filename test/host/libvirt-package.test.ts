/** `boshvirt/libvirt` as a stranger gets it: packed by npm, compiled against strictly, run against a real libvirtd. */
import { existsSync } from 'node:fs';
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ToolError } from '../../src/platform/errors.ts';
import { packageRoot } from '../../src/platform/package-root.ts';
import { run } from '../../src/platform/process.ts';
import { type LibvirtScene, mib, poolXml, startScene } from '../support/libvirt-scene.ts';
import { type PackedPackage, packPackage } from '../support/packed-package.ts';

const root = packageRoot();
let scene: LibvirtScene;
let packed: PackedPackage;

beforeAll(async () => {
  [scene, packed] = await Promise.all([startScene(), packPackage()]);
  await writeFile(join(packed.folder, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
  const compilerOptions = {
    target: 'es2024',
    lib: ['es2024', 'esnext.disposable'],
    module: 'nodenext',
    types: ['node'],
    strict: true,
    exactOptionalPropertyTypes: true,
    skipLibCheck: false,
    noEmit: true,
  };
  await writeFile(join(packed.folder, 'tsconfig.json'), JSON.stringify({ compilerOptions }));
  await mkdir(join(packed.folder, 'node_modules', '@types'));
  for (const name of ['@types/node', 'undici-types']) {
    await symlink(join(root, 'node_modules', name), join(packed.folder, 'node_modules', name));
  }
});

afterAll(async () => {
  await packed?.[Symbol.asyncDispose]();
  await scene?.[Symbol.asyncDispose]();
});

/** What the compiler says of all programs in the folder; nothing if they are right. */
async function compile(): Promise<string> {
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  try {
    return (await run([process.execPath, tsc, '-p', '.'], { cwd: packed.folder })).stdout;
  } catch (error) {
    return error instanceof ToolError ? error.output : expect.unreachable(`${error}`);
  }
}
const program = (name: string, text: string) => writeFile(join(packed.folder, name), text);
const printed = async (name: string) =>
  (await run([process.execPath, name], { cwd: packed.folder, timeoutMs: 60_000 })).stdout;

test('the package is what its package.json promises', async () => {
  const { messages, pkg } = await publint({ pkgDir: packed.installed, pack: false });
  expect(messages.map((message) => formatMessage(message, pkg))).toEqual([]);
});

test('the package has what the commands read at run time', async () => {
  const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
  const paths = ['bin/boshvirt', 'libexec/private-host-init', 'oclif.manifest.json', 'ops-files/qemu.yml'];
  expect(paths.filter((path) => !existsSync(join(packed.installed, path)))).toEqual([]);
  const env = { PATH: `${dirname(process.execPath)}:${process.env.PATH}` };
  const { stdout } = await run([join(packed.installed, 'bin', 'boshvirt'), '--version'], { env });
  expect(stdout).toContain(version);
});

test('declarations name no source files', async () => {
  const types = join(packed.installed, 'dist', 'types', 'clients', 'libvirt');
  expect(await readFile(join(types, 'index.d.ts'), 'utf8')).toContain("from './domain.js'");
  const { stdout } = await run(['grep', '-rlE', `['"][./]+[^'"]*\\.ts['"]`, types], { okExitCodes: [1] });
  expect(stdout).toBe('');
});

test('a strict program compiles, and a wrong one does not', async () => {
  await program(
    'wrong.ts',
    `import { connectLibvirt, Domain, LibvirtError } from 'boshvirt/libvirt';
await using libvirt = await connectLibvirt('qemu:///system', { timeout: 1 });
const domain = await libvirt.findDomain('web');
await domain.destroy();
const { state } = await domain!.state();
if (state === 'on') new Domain();
for await (const event of await libvirt.events('reboot', 'lifecycl')) event.alias;
await (await libvirt.findPool('p1'))?.createVolume('', { reflink: true });
const code: string = new LibvirtError().libvirtCode;
`,
  );
  const lines = [...(await compile()).matchAll(/wrong\.ts\((\d+),/g)].map(([, line]) => Number(line));
  expect([...new Set(lines)]).toEqual([2, 4, 6, 7, 8, 9]);
  await program('wrong.ts', '');
  expect(await compile()).toBe('');
});

/** The examples of the documentation, each with what it is said to print. */
async function examples(): Promise<{ code: string; output: string }[]> {
  const page = await readFile(join(root, 'docs', 'libvirt-client.md'), 'utf8');
  const blocks = page.matchAll(/```ts\n(.*?)```\n\n```text\n(.*?)```/gs);
  const found = [...blocks].map(([, code = '', output = '']) => ({ code, output }));
  expect(found).toHaveLength(page.split('```ts\n').length - 1);
  return found;
}

test('the examples of the documentation are true', async () => {
  const pool = await scene.libvirt.definePool(poolXml('default', join(scene.daemon.folder, 'default')));
  await pool.build();
  await pool.start();
  await writeFile(join(packed.folder, 'disk.img'), Buffer.alloc(3 * mib, 'bytes of a disk'));
  await using web = await scene.domain('web');
  await web.start();
  const all = await examples();
  const local = (code: string) => code.replaceAll("'qemu:///system'", `'${scene.daemon.uri}'`);
  await Promise.all(all.map(({ code }, at) => program(`example-${at}.ts`, local(code))));
  expect(await compile()).toBe('');
  for (const [at, { output }] of all.entries()) {
    const said = (await printed(`example-${at}.ts`)).replaceAll(scene.daemon.uri, 'qemu:///system');
    expect(said).toBe(output);
  }
  const [sent, back] = await Promise.all(
    ['disk.img', 'copy.img'].map((name) => readFile(join(packed.folder, name))),
  );
  expect(sent?.equals(back as Buffer)).toBe(true);
});
