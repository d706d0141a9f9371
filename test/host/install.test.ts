/** Installing packages with a scripted apt-get, where /usr/sbin is an empty folder of the test's own. */
import { mkdir, mkdtempDisposable, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { installCommand, installPackages } from '../../src/host/findings/index.ts';
import { silentLog } from '../../src/platform/log.ts';
import { run } from '../../src/platform/process.ts';

interface Answer {
  readonly lines: readonly string[];
  readonly warnings: readonly string[];
  readonly error: Record<string, unknown> | null;
}

/** A scratch folder; in it `sbin`, which stands for /usr/sbin. */
async function scratch() {
  const folder = await mkdtempDisposable(join(tmpdir(), 'bv-install-'));
  const policyPath = join(folder.path, 'sbin', 'policy-rc.d');
  await mkdir(join(folder.path, 'sbin'));
  await mkdir(join(folder.path, 'bin'));
  return {
    path: folder.path,
    policy: () => readFile(policyPath, 'utf8').catch(() => undefined),
    setPolicy: (text: string) => writeFile(policyPath, text, { mode: 0o755 }),
    [Symbol.asyncDispose]: () => folder.remove(),
  };
}

/**
 * Installs two packages with an apt-get whose body is `script`; before that it notes its words, and the status of policy-rc.d.
 * A script finds in $attempt which installation this is, simulations left out.
 */
async function install(folder: string, script: string) {
  const bin = join(folder, 'bin');
  const note = `/usr/sbin/policy-rc.d libvirtd start 2>/dev/null; echo "$? \${0##*/} $*" >>${folder}/calls`;
  const count = `attempt=$(grep -c -e --yes ${folder}/calls)`;
  for (const name of ['apt-get', 'dpkg']) {
    await writeFile(join(bin, name), `#!/bin/sh\n${note}\n${count}\n:\n${script}\n`, { mode: 0o755 });
  }
  const program = join(import.meta.dirname, '../support/install-program.ts');
  const words = [
    'sh',
    '-ec',
    `mount --bind ${folder}/sbin /usr/sbin; exec "$@"`,
    'sh',
    process.execPath,
    program,
  ];
  const env = { PATH: `${bin}:${process.env.PATH}` };
  const { stdout } = await run(['unshare', '--mount', ...words, 'one', 'two'], { env });
  // how apt-get is told to be quiet matters to nobody
  const calls = (await readFile(join(folder, 'calls'), 'utf8'))
    .trimEnd()
    .replaceAll(/ --yes .*(?= one)/g, ' --yes …');
  return { ...(JSON.parse(stdout) as Answer), calls: calls.split('\n') };
}

const installed = '101 apt-get install --yes … one two';
const fails = (message: string) => `echo '${message}' >&2; exit 100`;

describe.concurrent('apt-get', () => {
  test('installs what is asked for, and starts no services meanwhile', async ({ expect }) => {
    await using place = await scratch();
    const { calls, lines, error } = await install(
      place.path,
      'echo Reading lists; echo "Need to get 3 MB, $DEBIAN_FRONTEND"',
    );
    expect(error).toBeNull();
    expect(calls).toEqual(['101 apt-get install --simulate one two', installed]);
    expect(lines).toEqual(['Need to get 3 MB, noninteractive']);
    expect(await place.policy()).toBeUndefined();
  });

  test('fetches the lists first where they do not know the packages', async ({ expect }) => {
    await using place = await scratch();
    const script = `case $* in *--simulate*) ${fails('Unable to locate package one')};; esac`;
    const { calls, error } = await install(place.path, script);
    expect(error).toBeNull();
    expect(calls.slice(1)).toEqual(['101 apt-get update', installed]);
  });

  test('fetches them again and tries again when the mirror fails', async ({ expect }) => {
    await using place = await scratch();
    const script = `case $*,$attempt in *--yes*,1) ${fails('Failed to fetch one.deb  404')};; esac`;
    const { calls, warnings, error } = await install(place.path, script);
    expect(error).toBeNull();
    expect(warnings).toEqual([expect.stringContaining('Failed to fetch one.deb  404')]);
    expect(calls.slice(1)).toEqual([installed, '101 apt-get update', installed]);
    expect(await place.policy()).toBeUndefined();
  });

  test('finishes first what a killed installation left', async ({ expect }) => {
    await using place = await scratch();
    const script = `[ "\${0##*/}" = apt-get ] || { touch ${place.path}/configured; exit 0; }
      [ -e ${place.path}/configured ] || case $* in *--yes*) ${fails('E: dpkg was interrupted, you must manually run dpkg --configure -a')};; esac`;
    const { calls, error } = await install(place.path, script);
    expect(error).toBeNull();
    expect(calls.slice(1)).toEqual([installed, '101 dpkg --configure -a', '101 apt-get update', installed]);
  });

  test('gives up after the third attempt, with what apt-get said, and lets services start again', async ({
    expect,
  }) => {
    await using place = await scratch();
    const { calls, error } = await install(place.path, fails('E: no space left'));
    expect(error).toMatchObject({
      name: 'ToolError',
      code: 'PREFLIGHT',
      message: expect.stringContaining('E: no space left'),
    });
    expect(calls.filter((call) => call.includes('update')).length).toBe(3);
    expect(await place.policy()).toBeUndefined();
  });

  test('an administrator’s own rule about services stays', async ({ expect }) => {
    await using place = await scratch();
    const own = '#!/bin/sh\nexit 102\n';
    await place.setPolicy(own);
    const { calls, error } = await install(place.path, '');
    expect(error).toBeNull();
    expect(calls.at(-1)).toBe(installed.replace('101', '102'));
    expect(await place.policy()).toBe(own);
  });

  test('a rule that a killed run left goes', async ({ expect }) => {
    await using place = await scratch();
    await install(place.path, `cp /usr/sbin/policy-rc.d ${place.path}/kept`);
    await place.setPolicy(await readFile(join(place.path, 'kept'), 'utf8'));
    await install(place.path, '');
    expect(await place.policy()).toBeUndefined();
  });
});

test('nothing to install: nothing is run', async () => {
  const options = { log: silentLog, signal: AbortSignal.timeout(5_000), onLine: () => {} };
  await expect(installPackages([], options)).resolves.toBeUndefined();
});

test('the command for an administrator can be pasted', () => {
  expect(installCommand(['one', 'two'])).toBe('apt-get install --no-install-recommends one two');
});
