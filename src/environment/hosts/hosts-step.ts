import type { Step } from '../steps/step.ts';
import { required, type UpJob, type UpWork } from '../up-job.ts';
import { readHosts } from './hosts-record.ts';
import { joinHosts } from './join-host.ts';
import { tellDirector } from './tell-director.ts';

/** Brings back what `boshvirt host add` has made; a host that is down keeps nobody from working with the others. */
export function hostsStep({ name, caller }: UpJob): Step<UpWork> {
  return {
    title: 'Join the other hosts',
    skip: async () => await noHosts(name),
    async run(work, say) {
      const record = required(work.record);
      for (const { name: host, fault } of await joinHosts(record, caller)) {
        if (fault === undefined) say(`${host} is joined`);
        else caller.tell(`Host '${host}' is not joined: ${fault}`);
      }
      await tellDirector(record, caller, say);
    },
  };
}

/** A reason to do nothing, for an environment that is on one machine. */
export const noHosts = async (environment: string): Promise<string | undefined> =>
  (await readHosts(environment)).hosts.length === 0 ? 'it has none' : undefined;
