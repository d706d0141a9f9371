import { rm } from 'node:fs/promises';
import { removePrivateHost } from '../host/private-host/index.ts';
import { BoshvirtError, messageOf } from '../platform/errors.ts';
import { type Lock, takeLock } from '../platform/lock.ts';
import type { Log } from '../platform/log.ts';
import { needsCpiServer, stopCpiServer } from './cpi-server.ts';
import { deploySource, engineContext } from './deploy.ts';
import { clearTheWay } from './director/clear-the-way.ts';
import { engineToDelete } from './engines.ts';
import { noHosts } from './hosts/hosts-step.ts';
import { partHere } from './hosts/join-here.ts';
import { leaveHosts } from './hosts/remove-host.ts';
import { requireFiles } from './inputs.ts';
import { knownStemcell } from './known-stemcell.ts';
import { checkEnvironmentName, environmentPaths, privateHostFolder } from './paths.ts';
import { type EnvironmentRecord, environmentsOnPrivateHost, requireRecord, writeRecord } from './record.ts';
import { whileNoneComesOrGoes } from './register.ts';
import { hostRuns, openBackend, wakeHost } from './session.ts';
import { type Site, sitesOf } from './sites.ts';
import type { Caller, Step } from './steps/step.ts';

export interface DownOptions {
  /** Also forget credentials and logs. */
  readonly purge: boolean;
  readonly boshvirtCommand: string;
}

/**
 * Deletes the environment and all that it put on the host; the private libvirt host goes with the last environment on it.
 * Run again after a kill it finishes. Throws NO_ENVIRONMENT if there is none of that name.
 */
export async function down(name: string, options: DownOptions, caller: Caller): Promise<EnvironmentRecord> {
  checkEnvironmentName(name);
  await using lock = await takeLock(environmentPaths(name).lock, 0, `boshvirt down ${name}`);
  const record = await requireRecord(name);
  await caller.runSteps(stepsOfDown(record, options, lock, caller), {});
  return record;
}

function stepsOfDown(
  record: EnvironmentRecord,
  options: DownOptions,
  lock: Lock,
  caller: Caller,
): Step<object>[] {
  const { name } = record;
  const paths = environmentPaths(name);
  return [
    {
      title: 'Find libvirt',
      async run() {
        await writeRecord({ ...record, phase: 'deleting' });
        await wakeHost(record, caller.log, caller.signal);
      },
    },
    {
      title: 'Stop the CPI server',
      skip: () => (needsCpiServer(record) ? undefined : 'there is none'),
      // the director is not to make VMs while they are deleted
      run: async (_, say) => {
        say('calls that run come to their end');
        await stopCpiServer(record, caller);
      },
    },
    {
      title: 'Delete the machine',
      skip: () => (record.joined ? 'it is another machine’s' : undefined),
      async run(_, say) {
        const stemcell = (await knownStemcell(record)) ?? { path: '/nowhere', sha1: '' };
        const source = deploySource(record, stemcell, options.boshvirtCommand);
        const context = await engineContext(record, options.boshvirtCommand, caller, lock, say);
        try {
          await requireFiles('ops-file', record.ops);
          await requireFiles('file', [source.manifestPath, ...source.opsFiles]);
          await requireFiles('variables file', record.varsFiles);
          await clearTheWay(record, caller, say);
          await (await engineToDelete(record.engine)).deleteEnv(source, context);
        } catch (error) {
          // what its state or its files do not tell any more, the hypervisor does: the next step deletes all that is there
          if (!(error instanceof BoshvirtError && ['STATE_DAMAGED', 'USAGE'].includes(error.code)))
            throw error;
          say(messageOf(error));
        }
      },
    },
    {
      title: 'Leave the other hosts',
      skip: async () => await noHosts(name),
      run: async (_, say) => await leaveHosts(record, caller, say),
    },
    {
      title: 'Remove storage and network',
      async run() {
        if (await hostRuns(record)) await partHere(record);
        for (const site of (await sitesOf(record, caller.signal)).slice(1))
          await clearOfVms(site, caller.log);
        await using backend = await openBackend(record, caller.log);
        await backend.ground.clear();
      },
    },
    {
      title: 'Forget the environment',
      async run(_, say) {
        await whileNoneComesOrGoes(`boshvirt down ${name}`, async () => {
          const others = (await environmentsOnPrivateHost()).filter((other) => other !== name);
          if (record.host === 'private' && others.length === 0) {
            say('the private libvirt host goes with it');
            await removePrivateHost(privateHostFolder());
          }
          if (options.purge) await rm(paths.logs, { recursive: true, force: true });
          await rm(paths.folder, { recursive: true, force: true });
        });
        await rm(paths.lock, { force: true }); // while it is held: whoever comes next makes one of its own
      },
    },
  ];
}

/** A director may have had VMs made by another backend than the environment's own. */
async function clearOfVms({ module, config }: Site, log: Log): Promise<void> {
  await using backend = await module.open(config, log);
  if ((await backend.ground.inventory()).vms.length > 0) await backend.ground.clear();
}
