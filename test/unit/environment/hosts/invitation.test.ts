import { X509Certificate } from 'node:crypto';
import { mkdtempDisposable, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { invite, readInvitation, writeInvitation } from '../../../../src/environment/hosts/invitation.ts';
import { planHost } from '../../../../src/environment/hosts/plan-host.ts';

const facts = { name: 'box', near: '10.0.0.1', far: '10.0.0.2', underlay: 'machine', port: 4789 } as const;

test('an invitation has what the other side needs, for that host alone, and is private to the user', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'boshvirt-invitation-'));
  const path = join(folder.path, 'box.invitation');
  const planned = planHost('work', 'ab12cd', facts);
  const { host, invitation } = await invite(planned);
  await writeInvitation(path, invitation);
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  expect(await readInvitation(path)).toEqual(invitation);
  expect(invitation).toMatchObject({
    environment: planned.environment,
    tunnel: { near: '10.0.0.1', far: '10.0.0.2' },
  });
  expect(host.served.url).toBe(`https://${planned.tunnel.probe.far}:6870`);

  const { boshvirt_cpi_ca: ca, boshvirt_cpi_server_tls: server } = invitation.credentials;
  const authority = new X509Certificate(ca.certificate);
  expect(host.served.ca).toBe(ca.certificate);
  for (const certificate of [server.certificate, host.served.certificate])
    expect(new X509Certificate(certificate).checkIssued(authority)).toBe(true);
  expect(new X509Certificate(server.certificate).checkIP(planned.tunnel.probe.far)).toBeDefined();
  expect(Object.keys(ca)).toEqual(['certificate']); // who joins can sign nothing
});

test.each([
  ['no file', undefined, 'no such file'],
  ['no JSON', '{"credentials": "secret-key', 'is no invitation'],
  ['another version', '{"version": 2}', 'version'],
])('%s is refused without being quoted', async (_, text, message) => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'boshvirt-invitation-'));
  const path = join(folder.path, 'box.invitation');
  if (text !== undefined) await writeFile(path, text);
  const refused = readInvitation(path);
  await expect(refused).rejects.toMatchObject({ code: 'USAGE', message: expect.stringContaining(message) });
  await expect(refused).rejects.toThrow(
    expect.objectContaining({ message: expect.not.stringContaining('secret-key') }),
  );
});
