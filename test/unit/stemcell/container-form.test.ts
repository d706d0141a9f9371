/** What is in the probe stemcell for containers, before any package is unpacked. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { packageRoot } from '../../../src/platform/package-root.ts';
import { commonParts } from '../../../src/stemcell/common-parts.ts';
import { containerForm } from '../../../src/stemcell/container-form.ts';
import { joinParts } from '../../../src/stemcell/guest-parts.ts';

const scripts = join(packageRoot(), 'stemcells', 'probe', 'guest');
const parts = joinParts(commonParts, containerForm.parts);

async function contentOf(path: string): Promise<string> {
  const file = parts.ownFiles.find(({ to }) => to === path);
  return await readFile(join(scripts, file?.from ?? `nothing becomes ${path}`), 'utf8');
}

test('it is one for warden, without kernel and boot loader', () => {
  expect(containerForm).toMatchObject({
    stemcellFormats: ['warden-tar'],
    cloudProperties: { infrastructure: 'warden', disk_format: 'files' },
    toolPackages: [],
  });
  expect(containerForm.kernelPackage).toBeUndefined();
  expect(parts.drivers).toEqual([]);
});

test("its agent is told where the container's settings are, and that disks are the CPI's", async () => {
  expect(JSON.parse(await contentOf('/var/vcap/bosh/agent.json'))).toEqual({
    Platform: {
      Linux: {
        UseDefaultTmpDir: true,
        SkipDiskSetup: true,
        UsePreformattedPersistentDisk: true,
        BindMountPersistentDisk: false,
      },
    },
    Infrastructure: {
      Settings: { Sources: [{ Type: 'File', SettingsPath: '/var/vcap/bosh/warden-cpi-agent-env.json' }] },
    },
  });
});

test("its init starts what every guest has, and ends without touching the host's disks", async () => {
  expect(await contentOf('/sbin/init')).toContain('exec /bin/busybox init');
  expect(parts.inittab).toEqual([
    '::sysinit:/etc/rc.boot',
    '::respawn:/usr/sbin/dropbear -F -R -g',
    '::shutdown:/etc/rc.shutdown',
  ]);
  const commands = (await contentOf('/etc/rc.shutdown')).replaceAll(/^ *#.*$/gm, '');
  expect(commands).not.toMatch(/swapoff|sync|umount -/);
  expect(commands).toMatch(/exec poweroff -f\n$/);
});
