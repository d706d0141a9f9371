import { chmod, mkdtempDisposable, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type Service, Systemd } from '../../../../src/host/service/index.ts';
import { unitText } from '../../../../src/host/service/unit.ts';
import { isThere, readTextIfThere } from '../../../../src/platform/files.ts';
import { silentLog } from '../../../../src/platform/log.ts';
import { run, which } from '../../../../src/platform/process.ts';

const service: Service = {
  name: 'boshvirt-cpi-lab-1a2b3c',
  description: 'boshvirt: the CPI for the director of lab (100%)',
  argv: ['/bin/echo', 'a word', 'it\'s "quoted" \\ $HOME 100%', 'lab'],
  env: { HOME: '/home/me & co', PATH: '/usr/bin:/bin' },
};

test('the unit starts the program with its words as they are, again if it fails, and after a reboot', () => {
  const lines = unitText(service, 'multi-user.target').split('\n');
  expect(lines).toContain('Description=boshvirt: the CPI for the director of lab (100%%)');
  expect(lines).toContain('ExecStart="/bin/echo" "a word" "it\'s \\"quoted\\" \\\\ $$HOME 100%%" "lab"');
  expect(lines).toContain('Environment="HOME=/home/me & co"');
  expect(lines).toContain('Environment="PATH=/usr/bin:/bin"');
  expect(lines).toContain('Restart=on-failure');
  expect(lines).toContain('WantedBy=multi-user.target');
});

test('what the program has started goes on when it is killed, and does not take it along', () => {
  // with KillMode=mixed systemd kills all that is left of a unit as soon as its first process is gone
  const lines = unitText(service, 'multi-user.target').split('\n');
  expect(lines).toEqual(expect.arrayContaining(['KillMode=process', 'OOMPolicy=continue']));
});

const analyze = await which('systemd-analyze');

test.skipIf(analyze === undefined)(
  'systemd finds no fault with it (skipped without systemd-analyze)',
  async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), 'boshvirt-unit-'));
    const path = join(folder.path, `${service.name}.service`);
    await writeFile(path, unitText(service, 'multi-user.target'));
    const { stderr } = await run([analyze ?? '', 'verify', '--man=no', '--recursive-errors=no', path], {
      okExitCodes: [1],
    });
    expect(stderr).not.toContain(service.name);
  },
);

/** A systemctl that writes down what it was asked, and fails for what the file `refuses` names. */
async function systemdIn(folder: string) {
  const program = join(folder, 'systemctl');
  await writeFile(
    program,
    `#!/bin/sh\necho "$@" >> ${folder}/asked\n! grep -qs "$2" ${folder}/refuses || exit 1\n`,
  );
  await chmod(program, 0o755);
  const systemd = new Systemd({
    ...{ unitFolder: join(folder, 'units'), target: 'default.target', log: silentLog },
    ...{ systemctl: [program, '--user'], linger: ['sh', '-c', `echo linger >> ${folder}/asked; exit 1`] },
  });
  const asked = async () => ((await readTextIfThere(join(folder, 'asked'))) ?? '').trim().split('\n');
  return { systemd, asked, unit: join(folder, 'units', `${service.name}.service`) };
}

test('a service is written down, wanted at the start, and started; then removed with all of that', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'boshvirt-units-'));
  const { systemd, asked, unit } = await systemdIn(folder.path);
  const named = `${service.name}.service`;
  await systemd.start(service);
  expect(await readFile(unit, 'utf8')).toBe(unitText(service, 'default.target'));
  const first = [
    '--user daemon-reload',
    `--user enable --quiet ${named}`,
    'linger',
    `--user restart ${named}`,
  ];
  expect(await asked()).toEqual(first);
  await systemd.start(service);
  expect((await asked()).slice(first.length)).toEqual(first.slice(1));
  await systemd.remove(service.name);
  expect((await asked()).slice(-2)).toEqual([
    `--user disable --now --quiet ${named}`,
    '--user daemon-reload',
  ]);
  expect(await isThere(unit)).toBe(false);
  const count = (await asked()).length;
  await systemd.remove(service.name);
  expect(await asked()).toHaveLength(count);
});

test('what systemd refuses is told', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'boshvirt-units-'));
  const { systemd } = await systemdIn(folder.path);
  await writeFile(join(folder.path, 'refuses'), 'restart');
  await expect(systemd.start(service)).rejects.toThrow('systemctl');
});
