import { rm } from 'node:fs/promises';
import { homedir, userInfo } from 'node:os';
import { join } from 'node:path';
import { messageOf } from '../../platform/errors.ts';
import { isThere, readTextIfThere, writeFileAtomic } from '../../platform/files.ts';
import type { Log } from '../../platform/log.ts';
import { run } from '../../platform/process.ts';
import { type Service, unitText } from './unit.ts';

export interface SystemdPlace {
  readonly unitFolder: string;
  /** What wants a service at the start. */
  readonly target: string;
  /** Words that make systemctl talk to that manager. */
  readonly systemctl: readonly [string, ...string[]];
  /** Has a user's services run without a session; needed for a user's manager alone. */
  readonly linger: readonly [string, ...string[]] | undefined;
  readonly log: Log;
}

/** The systemd that services of this user belong to: root's are the machine's. undefined where none runs. */
export async function findSystemd(log: Log): Promise<Systemd | undefined> {
  const { uid, username } = userInfo();
  if (!(await isThere('/run/systemd/system'))) return undefined;
  if (uid === 0) {
    const unitFolder = '/etc/systemd/system';
    return new Systemd({
      ...{ unitFolder, target: 'multi-user.target', systemctl: ['systemctl'], linger: undefined, log },
    });
  }
  if (!(await isThere(`/run/user/${uid}/systemd`))) return undefined;
  const configuration = process.env.XDG_CONFIG_HOME?.startsWith('/')
    ? process.env.XDG_CONFIG_HOME
    : join(homedir(), '.config');
  return new Systemd({
    unitFolder: join(configuration, 'systemd', 'user'),
    target: 'default.target',
    systemctl: ['systemctl', '--user'],
    linger: ['loginctl', 'enable-linger', username],
    log,
  });
}

/** Services by systemd: they run from now on, and after each reboot. */
export class Systemd {
  readonly #place: SystemdPlace;

  constructor(place: SystemdPlace) {
    this.#place = place;
  }

  /** Starts the service, or starts it anew. */
  async start(service: Service): Promise<void> {
    const { target, linger, log } = this.#place;
    const path = this.#pathOf(service.name);
    const text = unitText(service, target);
    if ((await readTextIfThere(path)) !== text) {
      await writeFileAtomic(path, text, { mode: 0o644 });
      await this.#systemctl('daemon-reload');
    }
    await this.#systemctl('enable', '--quiet', unitName(service.name));
    if (linger)
      await run(linger).catch((error: unknown) => {
        log.warn(`after a reboot the service waits for a login: ${messageOf(error)}`);
      });
    await this.#systemctl('restart', unitName(service.name));
  }

  /** Ends it for good. Idempotent. */
  async remove(name: string): Promise<void> {
    const path = this.#pathOf(name);
    if (!(await isThere(path))) return;
    await this.#systemctl('disable', '--now', '--quiet', unitName(name));
    await rm(path, { force: true });
    await this.#systemctl('daemon-reload');
  }

  #pathOf(name: string): string {
    return join(this.#place.unitFolder, unitName(name));
  }

  async #systemctl(...words: string[]): Promise<void> {
    const [program, ...manager] = this.#place.systemctl;
    await run([program, ...manager, ...words], { timeoutMs: systemctlTimeoutMs });
  }
}

/** Ending a service waits for what it is at: a unit's TimeoutStopSec and a little. */
const systemctlTimeoutMs = 11 * 60_000;

const unitName = (name: string): string => `${name}.service`;
