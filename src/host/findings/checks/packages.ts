import { type Check, fail, ok } from '../finding.ts';
import { installCommand } from '../install.ts';
import { missingPackages, type Need } from '../packages.ts';

async function look(need: Need) {
  const missing = await missingPackages(need);
  if (missing.length === 0) return ok('installed');
  return fail(`missing: ${missing.join(', ')}`, `${installCommand(missing)} (or boshvirt doctor --fix)`);
}

export const packageChecks: readonly Check[] = [
  {
    id: 'host.packages',
    title: 'hypervisor packages',
    why: 'guests run on libvirt and QEMU',
    look: () => look('qemu'),
  },
  {
    id: 'stemcell.packages',
    title: 'stemcell tools',
    why: 'they build the probe stemcell; --stemcell PATH does without',
    look: () => look('stemcell'),
  },
];
