import { readFile, stat } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { Accounts } from '../../../../stemcells/probe/agent/accounts.ts';
import { fakeGuest } from './fake-guest.ts';

const [uid, gid] = [process.getuid?.() ?? 0, process.getgid?.() ?? 0];

async function guestWithUsers() {
  return await fakeGuest({
    'etc/passwd': `root:x:0:0:root:/root:/bin/sh\nvcap:x:${uid}:${gid}:BOSH:/home/vcap:/bin/sh\n`,
    'etc/group': 'root:x:0:\nbosh_sudoers:x:1003:\n',
    'etc/shadow': 'root:*:19000:0:99999:7:::\nvcap:*:19000:0:99999:7:::\n',
  });
}

test('a password changes one line of shadow, and no line can be slipped in', async () => {
  await using guest = await guestWithUsers();
  const accounts = new Accounts(guest.places);
  await accounts.setPassword('vcap', '$6$salt$hash');
  expect(await readFile(guest.at('etc/shadow'), 'utf8')).toBe(
    'root:*:19000:0:99999:7:::\nvcap:$6$salt$hash:19000:0:99999:7:::\n',
  );
  expect((await stat(guest.at('etc/shadow'))).mode & 0o777).toBe(0o600);
  await expect(accounts.setPassword('vcap', 'x\nroot::')).rejects.toThrow(/colon or a line end/);
});

test('keys take the place of the keys before, readable by their user alone', async () => {
  await using guest = await guestWithUsers();
  const accounts = new Accounts(guest.places);
  await accounts.authorize('vcap', guest.at('home/vcap'), ['old']);
  await accounts.authorize('vcap', guest.at('home/vcap'), ['new\n', 'other']);
  const file = guest.at('home/vcap/.ssh/authorized_keys');
  expect(await readFile(file, 'utf8')).toBe('new\nother\n');
  expect((await stat(file)).mode & 0o777).toBe(0o600);
});

test.skipIf(uid !== 0)(
  'a user of bosh ssh comes and goes, lasting users stay (needs root: its home gets another owner)',
  async () => {
    await using guest = await guestWithUsers();
    const accounts = new Accounts(guest.places);
    await accounts.addGuest('bosh_one', 'key 1');
    await accounts.addGuest('bosh_one', 'key 2');
    await accounts.addGuest('bosh_two', 'key 3');
    expect(await readFile(guest.at('etc/passwd'), 'utf8')).toMatch(/bosh_one:x:2000:.*\nbosh_two:x:2001:/);
    expect(await readFile(guest.at('vcap/bosh_ssh/bosh_one/.ssh/authorized_keys'), 'utf8')).toBe('key 2\n');
    expect(await readFile(guest.at('etc/group'), 'utf8')).toContain(
      'bosh_sudoers:x:1003:bosh_one,bosh_two\n',
    );
    expect(await accounts.removeGuests(/./)).toEqual(['bosh_one', 'bosh_two']);
    expect(await readFile(guest.at('etc/passwd'), 'utf8')).toContain('vcap');
    expect(await readFile(guest.at('etc/group'), 'utf8')).toBe('root:x:0:\nbosh_sudoers:x:1003:\n');
  },
);

test('a name that would be a path or a line is no user', async () => {
  await using guest = await guestWithUsers();
  for (const name of ['../x', 'a:b', 'A', ''])
    await expect(new Accounts(guest.places).addGuest(name, 'k')).rejects.toThrow(/no name/);
});
