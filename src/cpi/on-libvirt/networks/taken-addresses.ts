import type { NicPlan, VmCid } from '../../backend.ts';
import { CloudError } from '../../errors.ts';
import type { LibvirtHost } from '../libvirt-host.ts';
import { readBoshMetadata, vmRecords } from '../vm-records.ts';
import { canonicalAddress } from './addresses.ts';

/**
 * Throws a VMCreationFailed that names the owner if a VM other than `vm` has an address of these NICs. To be asked once `vm`
 * is defined: of two processes that want one address at once the later one then sees the other's VM, or each of them does.
 */
export async function refuseTakenAddresses(
  host: LibvirtHost,
  vm: VmCid,
  nics: readonly NicPlan[],
): Promise<void> {
  const others = (await vmRecords(host.libvirt)).filter(({ cid }) => cid !== vm);
  for (const { ip, hostNetwork } of addressesOf(nics)) {
    const owner = others.find((other) =>
      addressesOf(other.nics).some((their) => their.hostNetwork === hostNetwork && their.ip === ip),
    );
    if (!owner) continue;
    throw new CloudError(
      'VMCreationFailed',
      `Address ${ip} on network ${hostNetwork} is in use by ${await describeVm(host, owner.cid)}`,
      {
        okToRetry: true, // the VM may be on its way out
        hints: [
          `if no BOSH knows that VM, since its create_vm was killed, delete it: echo '{"method":"delete_vm","arguments":["${owner.cid}"]}' | boshvirt cpi --config CPI.JSON`,
        ],
      },
    );
  }
}

const addressesOf = (nics: readonly NicPlan[]): { ip: string; hostNetwork: string }[] =>
  nics.flatMap(({ ips, hostNetwork }) => ips.map((ip) => ({ ip: canonicalAddress(ip), hostNetwork })));

/** A VM for people: its CID and, if BOSH has told, its name and deployment. */
export async function describeVm(host: LibvirtHost, cid: string): Promise<string> {
  const domain = await host.findVm(cid);
  const { name, job, index, deployment } = domain ? await readBoshMetadata(domain) : {};
  const known = name ?? (job && index ? `${job}/${index}` : undefined);
  if (!known) return `VM ${cid}`;
  return `VM ${cid} (${deployment ? `${known} of ${deployment}` : known})`;
}
