import { join } from 'node:path';
import { silentLog } from '../platform/log.ts';
import { runInTerminal } from '../platform/process.ts';
import { sshUser } from './credentials.ts';
import { environmentPaths } from './paths.ts';
import { requireRecord } from './record.ts';
import { requireRunningVm, roadTo } from './session.ts';
import { writeSshKey } from './shell-environment.ts';

/** Opens a shell on the machine as vcap, on a director as jumpbox, or runs `command` there, and gives its exit status. */
export async function ssh(name: string, command: readonly string[]): Promise<number> {
  return await runInTerminal(await sshArgv(name, command));
}

/**
 * The command line that reaches the machine. Its host key is remembered per VM, since a recreated VM has another one.
 */
export async function sshArgv(name: string, command: readonly string[]): Promise<[string, ...string[]]> {
  const record = await requireRecord(name);
  const road = await roadTo(record);
  const [vm, key] = [await requireRunningVm(record, silentLog), await writeSshKey(record)];
  const known = join(environmentPaths(name).folder, 'ssh', 'known_hosts');
  return [
    ...road.commandPrefix,
    'ssh',
    '-F',
    'none',
    '-i',
    key,
    '-o',
    'IdentitiesOnly=yes',
    '-o',
    `UserKnownHostsFile=${known}`,
    '-o',
    `HostKeyAlias=${vm}`,
    '-o',
    'StrictHostKeyChecking=accept-new',
    // a machine that is paused, or goes away, must not hold its user for ever
    ...['ConnectTimeout=20', 'ServerAliveInterval=15'].flatMap((option) => ['-o', option]),
    '-o',
    'LogLevel=ERROR',
    `${sshUser(record)}@${record.network.ip}`,
    ...(command.length > 0 ? ['--', ...command] : []),
  ] as [string, ...string[]];
}
