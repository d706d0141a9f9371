import { chmod, chown, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Places } from './places.ts';
import { readText, writeDurably } from './small-files.ts';

const firstGuestUid = 2000;
const shell = '/bin/sh';
/** Accounts that no clean-up takes away. */
const lasting = new Set(['root', 'nobody', 'vcap']);
/** The group whose members may use sudo. */
const sudoers = 'bosh_sudoers';

/** Users of the guest, in the files of passwd(5) and shadow(5). */
export class Accounts {
  readonly #places: Places;

  constructor(places: Places) {
    this.#places = places;
  }

  /** Sets a crypt(3) hash, or `*` for no password. */
  async setPassword(user: string, hash: string): Promise<void> {
    if (/[:\n]/.test(hash)) throw new Error(`the password hash of ${user} holds a colon or a line end`);
    const lines = await this.#lines('shadow');
    const changed = lines.map((line) =>
      line.startsWith(`${user}:`) ? [user, hash, ...line.split(':').slice(2)].join(':') : line,
    );
    await this.#keep('shadow', changed, 0o600);
  }

  /** Lets these keys, and no others, log in as `user`. */
  async authorize(user: string, home: string, keys: readonly string[]): Promise<void> {
    const [uid, gid] = await this.#idsOf(user);
    const folder = join(home, '.ssh');
    const file = join(folder, 'authorized_keys');
    await mkdir(folder, { recursive: true });
    await writeDurably(file, keys.map((key) => `${key.trim()}\n`).join(''), 0o600);
    await chmod(folder, 0o700);
    for (const path of [folder, file]) await chown(path, uid, gid);
  }

  /** Makes a user for a while, as `bosh ssh` asks for, who may log in with one key. */
  async addGuest(user: string, publicKey: string): Promise<void> {
    if (!/^[a-z_][a-z0-9_-]{0,31}$/.test(user)) throw new Error(`'${user}' is no name for a user`);
    const home = join(this.#places.vcap, 'bosh_ssh', user);
    const users = (await this.#lines('passwd')).map((line) => line.split(':'));
    if (!users.some(([name]) => name === user)) {
      const uid =
        Math.max(firstGuestUid - 1, ...users.map(([, , id]) => Number(id)).filter((id) => id < 60_000)) + 1;
      await this.#append('group', `${user}:x:${uid}:`);
      await this.#append('shadow', `${user}:*:19000:0:99999:7:::`, 0o600);
      await this.#append('passwd', `${user}:x:${uid}:${uid}:bosh ssh:${home}:${shell}`);
    }
    await this.#setSudoers((members) => new Set([...members, user]));
    await mkdir(home, { recursive: true });
    const [uid, gid] = await this.#idsOf(user);
    await chmod(home, 0o700);
    await chown(home, uid, gid);
    await this.authorize(user, home, [publicKey]);
  }

  /** Takes away the users whose names match, with their folders; gives their names. */
  async removeGuests(pattern: RegExp): Promise<string[]> {
    const names = (await this.#lines('passwd')).map((line) => line.split(':')[0] ?? '');
    const going = new Set(names.filter((name) => !lasting.has(name) && pattern.test(name)));
    for (const [file, mode] of [
      ['passwd', 0o644],
      ['group', 0o644],
      ['shadow', 0o600],
    ] as const) {
      const lines = await this.#lines(file);
      await this.#keep(
        file,
        lines.filter((line) => !going.has(line.split(':')[0] ?? '')),
        mode,
      );
    }
    await this.#setSudoers((members) => new Set([...members].filter((member) => !going.has(member))));
    for (const name of going)
      await rm(join(this.#places.vcap, 'bosh_ssh', name), { recursive: true, force: true });
    return [...going];
  }

  async #setSudoers(change: (members: Set<string>) => Set<string>): Promise<void> {
    const lines = (await this.#lines('group')).map((line) => {
      const [name, password, id, members = ''] = line.split(':');
      if (name !== sudoers) return line;
      const now = change(new Set(members.split(',').filter((member) => member !== '')));
      return [name, password, id, [...now].join(',')].join(':');
    });
    await this.#keep('group', lines, 0o644);
  }

  async #idsOf(user: string): Promise<[number, number]> {
    const fields = (await this.#lines('passwd'))
      .map((line) => line.split(':'))
      .find(([name]) => name === user);
    if (!fields) throw new Error(`there is no user ${user}`);
    return [Number(fields[2]), Number(fields[3])];
  }

  async #lines(file: string): Promise<string[]> {
    return ((await readText(join(this.#places.etc, file))) ?? '').split('\n').filter((line) => line !== '');
  }

  async #append(file: string, line: string, mode = 0o644): Promise<void> {
    await this.#keep(file, [...(await this.#lines(file)), line], mode);
  }

  async #keep(file: string, lines: readonly string[], mode: number): Promise<void> {
    await writeDurably(join(this.#places.etc, file), `${lines.join('\n')}\n`, mode);
  }
}
