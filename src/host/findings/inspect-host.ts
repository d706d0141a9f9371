import { messageOf } from '../../platform/errors.ts';
import type { Check, Finding } from '../../platform/finding.ts';
import { folderChecks } from './checks/folders.ts';
import { libvirtChecks } from './checks/libvirt.ts';
import { memory } from './checks/memory.ts';
import { networkChecks } from './checks/network.ts';
import { packageCheck } from './checks/packages.ts';
import { privilegeChecks } from './checks/privileges.ts';
import { programChecks } from './checks/programs.ts';
import { stemcellPackages } from './packages.ts';

/**
 * What is looked at on this machine, whatever guests are made with. `dataFolder` is where boshvirt keeps environments; `uri` is
 * where the machine's own libvirt would answer.
 */
export const hostChecks = (dataFolder: string, uri: string): readonly Check[] => [
  packageCheck(
    {
      id: 'stemcell.packages',
      title: 'stemcell tools',
      why: 'they build the probe stemcell; --stemcell PATH does without',
    },
    stemcellPackages,
  ),
  ...privilegeChecks,
  ...libvirtChecks(uri),
  memory,
  ...folderChecks(dataFolder),
  ...networkChecks,
  ...programChecks,
];

/** Looks at all of it; each finding says what was seen and, where something is wrong, why it matters and what to do. */
export async function inspect(checks: readonly Check[]): Promise<Finding[]> {
  return await Promise.all(checks.map(lookAt));
}

/** Never throws: a look that fails is a finding too. */
export async function lookAt(check: Check): Promise<Finding> {
  const { id, title, why } = check;
  try {
    const verdict = await check.look();
    return { id, title, why, ...verdict, detail: verdict.detail.replaceAll(/\s*\n\s*/g, ' ') };
  } catch (error) {
    const detail = `could not be looked at: ${messageOf(error)}`;
    return { id, title, why, status: 'warn', detail, fix: 'mend what the message says, then look again' };
  }
}
