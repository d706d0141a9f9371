import type { Finding } from '../../platform/finding.ts';
import { type DirectorManifest, jobsNamed, propertyOf } from './director-manifest.ts';
import { hasSystemd, type StemcellLine, words } from './stemcell-line.ts';

const property = 'warden_cpi.start_containers_with_systemd';

/** The flag of the Warden CPI has to be that of the stemcells: each other pair ends in agents that nobody hears of. */
export function systemdMismatch(manifest: DirectorManifest, stemcell: StemcellLine): Finding[] {
  const isOn = propertyOf(manifest, 'warden_cpi', property) === true;
  const wanted = hasSystemd(stemcell);
  if (isOn === wanted) return [];
  const value = `${wanted}`;
  return [
    {
      id: 'lite.systemd',
      title: 'First process of containers',
      status: 'fail',
      detail: `${property} is ${isOn}, and containers are to be made from ${words(stemcell)}`,
      why: 'stemcells since Noble only start with systemd, older ones only without: bosh waits ten minutes for each agent, and gives up',
      fix: `another stemcell, or -o with: {type: replace, path: /instance_groups/name=bosh/properties/warden_cpi/start_containers_with_systemd?, value: ${value}}`,
    },
  ];
}

/** As many inotify instances as a Cloud Foundry's containers were seen to need. */
const enoughInstances = 1024;

export function fewInotifyInstances(manifest: DirectorManifest, stemcell: StemcellLine): Finding[] {
  if (!hasSystemd(stemcell)) return [];
  const settings = jobsNamed(manifest, 'sysctl').flatMap(({ properties }) =>
    Array.isArray(properties?.sysctl) ? properties.sysctl.map(String) : [],
  );
  const instances = settings.map((line) => line.match(/^fs\.inotify\.max_user_instances\s*=\s*(\d+)$/)?.[1]);
  if (instances.some((count) => Number(count ?? 0) >= enoughInstances)) return [];
  return [
    {
      id: 'lite.inotify',
      title: 'inotify instances',
      status: 'warn',
      detail: 'no sysctl job raises fs.inotify.max_user_instances',
      why: `each container of ${stemcell.os} runs systemd; the kernel's usual 128 instances are soon taken, and then no app starts`,
      fix: 'keep the job of ops-files/lite.yml; where the director is a container itself, on this machine: sysctl -w fs.inotify.max_user_instances=1024',
    },
  ];
}

export function disabledAgent(manifest: DirectorManifest): Finding[] {
  if (jobsNamed(manifest, 'disable_agent').length === 0) return [];
  return [
    {
      id: 'lite.agent',
      title: "The director's agent",
      status: 'warn',
      detail: 'the job disable_agent is in the manifest',
      why: 'without an agent nobody mounts the persistent disk after a reboot, and the director does not come back',
      fix: 'leave the job away',
    },
  ];
}
