import { messageOf } from '../../platform/errors.ts';
import { accelerator } from './checks/accelerator.ts';
import { folderChecks } from './checks/folders.ts';
import { hypervisorChecks } from './checks/hypervisor.ts';
import { memory } from './checks/memory.ts';
import { networkChecks } from './checks/network.ts';
import { packageChecks } from './checks/packages.ts';
import { privilegeChecks } from './checks/privileges.ts';
import { programChecks } from './checks/programs.ts';
import type { Check, Finding } from './finding.ts';

/**
 * Looks at this machine; each check says what it saw and, where something is wrong, why it matters and what to do. `dataFolder`
 * is where boshvirt keeps environments.
 */
export async function inspectHost(dataFolder: string): Promise<Finding[]> {
  const checks = [
    ...packageChecks,
    ...privilegeChecks,
    ...hypervisorChecks,
    accelerator,
    memory,
    ...folderChecks(dataFolder),
    ...networkChecks,
    ...programChecks,
  ];
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
