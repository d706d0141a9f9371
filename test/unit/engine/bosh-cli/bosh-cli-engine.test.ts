import { stat } from 'node:fs/promises';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { BoshCliEngine, findBosh } from '../../../../src/engine/bosh-cli/index.ts';
import { waitFor } from '../../../../src/platform/retry.ts';
import { type ScriptedBosh, scriptedBosh } from './scripted-bosh.ts';

afterEach(() => {
  vi.unstubAllEnvs();
});

const mode = async (path: string) => (await stat(path)).mode & 0o777;

describe('how bosh is started', () => {
  test('with files alone: no variable is in its argv, and ours come after the user’s', async () => {
    await using bosh = await scriptedBosh('');
    await bosh.engine.createEnv(bosh.source, bosh.context, { recreate: true });
    const argv = (await bosh.read('argv')).trimEnd().split('\n');
    const vars = bosh.path('work/vars.json');
    expect(argv).toEqual([
      'create-env',
      bosh.path('the manifest.yml'),
      ...['--ops-file', bosh.path('a.yml'), '--ops-file', bosh.path('b.yml')],
      ...['--vars-file', bosh.path('mine.yml'), '--vars-file', vars],
      ...['--state', bosh.path('state.json'), '--vars-store', bosh.path('creds.yml')],
      ...['--recreate', '--tty', '--no-color', '--non-interactive'],
    ]);
    expect(await mode(vars)).toBe(0o600);
    expect(await mode(bosh.path('creds.yml'))).toBe(0o600);
    expect(JSON.parse(await bosh.read('work/vars.json'))).toEqual({
      internal_ip: '10.9.8.7',
      vm_cpus: 2,
      boshvirt_cpi_release_url: `file://${bosh.path('work/boshvirt-cpi.tgz')}`,
      boshvirt_cpi_release_sha1: expect.stringMatching(/^[0-9a-f]{40}$/),
    });
  });

  test('by the guests’ road, in a HOME of its own, without what steers the user’s other work with bosh', async () => {
    vi.stubEnv('HOME', '/home/somebody');
    vi.stubEnv('BOSH_ALL_PROXY', 'socks5://elsewhere:1');
    vi.stubEnv('BOSH_LOG_LEVEL', 'debug');
    vi.stubEnv('NO_PROXY', 'intra.example');
    vi.stubEnv('no_proxy', undefined);
    await using bosh = await scriptedBosh('');
    await bosh.engine.deleteEnv(bosh.source, bosh.context);
    const env = (await bosh.read('env')).split('\n');
    expect(env).toContain('BY_THE_ROAD=yes');
    expect(env).toContain(`HOME=${bosh.path('work')}`);
    expect(env).toContain('BOSHVIRT_HOME=/home/somebody');
    expect(env).toContain('NO_PROXY=intra.example,10.9.8.7');
    expect(env.filter((line) => line.startsWith('BOSH_'))).toEqual([]);
    expect((await bosh.read('argv')).split('\n')[0]).toBe('delete-env');
  });
});

describe('what comes of it', () => {
  test('changed, unless bosh says that it has nothing to do', async () => {
    await using working = await scriptedBosh(
      'printf "Started deploying\\n  Creating disk..."; echo " Finished (00:00:00)"',
    );
    expect(await working.engine.createEnv(working.source, working.context)).toEqual({ changed: true });
    expect(working.progress).toEqual(['Creating disk']);
    await using idle = await scriptedBosh(
      'echo "No deployment, stemcell or release changes. Skipping deploy."',
    );
    expect(await idle.engine.createEnv(idle.source, idle.context)).toEqual({ changed: false });
  });

  test('its whole output is in a private log, and no secret in log or error', async () => {
    await using bosh = await scriptedBosh(`
printf 'mbus_password: s3cret-of-the-store\\nkey:\\n  private_key: |\\n    -----BEGIN KEY-----\\n    MIIabcdef0123\\n    -----END KEY-----\\n' > "$dir/creds.yml"
echo 'Deployment state: x'
printf '  Creating disk with s3cret-of-the-store...'; echo ' Failed (00:00:01)'
printf 'Deploying:\\n  key "-----BEGIN KEY-----\\\\nMIIabcdef0123\\\\n" of hunter22 and typed-one at https://mbus:s3cret-of-the-store@10.9.8.7 refused\\n' >&2
exit 1`);
    const source = { ...bosh.source, vars: { ...bosh.source.vars, db_password: 'typed-one' } };
    const error = await bosh.engine.createEnv(source, bosh.context).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'CREATE_ENV', exitCode: 1 });
    const log = await bosh.read('log');
    expect(log).toContain('Deployment state: x\n');
    expect(log).toContain('https://mbus:<redacted>@10.9.8.7 refused');
    expect(await mode(bosh.path('log'))).toBe(0o600);
    const said = [log, JSON.stringify(error), String(error), ...bosh.progress].join('\n');
    for (const secret of ['s3cret', 'MIIabc', 'hunter22', 'typed-one']) expect(said).not.toContain(secret);
    expect(bosh.progress).toEqual(['Creating disk with <redacted>']);
  });
});

describe('Ctrl-C', () => {
  /** As bosh does, the script starts the CPI in a process group of its own. */
  const script = `
printf "  Creating VM for instance 'm/0'..."
setsid sh -c 'echo started > "$0/calls"; sleep 0.7; echo ended >> "$0/calls"' "$dir" &
wait $!
echo ' Finished (00:00:01)'
printf "  Waiting for the agent on VM 'vm-1'..."
echo $$ > "$dir/pid"
sleep 300
echo ' Finished'`;

  test('lets the CPI call come to its end, then ends bosh', async () => {
    await using bosh = await scriptedBosh(script);
    const work = bosh.engine.createEnv(bosh.source, bosh.context);
    await begun(bosh, 'Creating VM');
    bosh.interrupt.abort(new Error('stop it'));
    await expect(work).rejects.toThrow('stop it');
    expect(await bosh.read('calls')).toBe('started\nended\n');
    await expectNoProcess(bosh);
  });

  test('ends a bosh that waits for an agent at once', async () => {
    await using bosh = await scriptedBosh(script);
    const work = bosh.engine.createEnv(bosh.source, bosh.context);
    await begun(bosh, 'Waiting for the agent');
    const interrupted = performance.now();
    bosh.interrupt.abort(new Error('stop it'));
    await expect(work).rejects.toThrow('stop it');
    expect(performance.now() - interrupted).toBeLessThan(5_000);
    await expectNoProcess(bosh);
  });

  test('ends a bosh that has emptied its state file only once the file is written', async () => {
    await using bosh = await scriptedBosh(`
printf "  Uploading stemcell 'sc'..."
sleep 0.5
: > "$dir/state.json"
echo ' Finished (00:00:01)'
sleep 0.5
echo whole > "$dir/state.json"
sleep 300`);
    const work = bosh.engine.createEnv(bosh.source, bosh.context);
    await begun(bosh, 'Uploading stemcell');
    bosh.interrupt.abort(new Error('stop it'));
    await expect(work).rejects.toThrow('stop it');
    expect(await bosh.read('state.json')).toBe('whole\n');
  });

  test('before the start, starts nothing', async () => {
    await using bosh = await scriptedBosh('');
    bosh.interrupt.abort(new Error('stop it'));
    await expect(bosh.engine.createEnv(bosh.source, bosh.context)).rejects.toThrow('stop it');
    await expect(bosh.read('argv')).rejects.toThrow('ENOENT');
  });

  async function begun(bosh: ScriptedBosh, step: string): Promise<void> {
    const told = async () => bosh.progress.some((line) => line.startsWith(step)) || undefined;
    expect(await waitFor(told, { timeoutMs: 10_000, intervalMs: 10 })).toBe(true);
  }

  async function expectNoProcess(bosh: ScriptedBosh): Promise<void> {
    const pid = Number(await bosh.read('pid').catch(() => '0'));
    const gone = async () => {
      try {
        process.kill(-pid, 0);
        return undefined; // a process that was killed stays until somebody has asked how it ended
      } catch {
        return true;
      }
    };
    if (pid > 0) expect(await waitFor(gone, { timeoutMs: 10_000 })).toBe(true);
  }
});

describe('a machine that lacks something', () => {
  test('no bosh', async () => {
    vi.stubEnv('PATH', '/nowhere');
    await using bosh = await scriptedBosh('');
    expect(await findBosh()).toBeUndefined();
    const error = await new BoshCliEngine()
      .createEnv(bosh.source, bosh.context)
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'PREFLIGHT', message: expect.stringContaining('bosh CLI') });
  });

  test('no Ruby', async () => {
    await using bosh = await scriptedBosh('');
    vi.stubEnv('PATH', '/nowhere');
    const error = await bosh.engine.createEnv(bosh.source, bosh.context).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'PREFLIGHT', message: expect.stringContaining('Ruby') });
  });

  test('a program of that name that is not the bosh CLI', async () => {
    expect(await findBosh({ path: '/bin/true' })).toBeUndefined();
  });
});

test('finds bosh and says its version', async () => {
  await using bosh = await scriptedBosh('');
  expect(await findBosh({ path: bosh.path('bosh') })).toEqual({
    path: bosh.path('bosh'),
    version: '7.9.9-abc-2026-01-01T00:00:00Z',
  });
});
