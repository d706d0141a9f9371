import { randomBytes } from 'node:crypto';
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { JsonObject } from '../../cpi/backend.ts';
import { generateCertificate } from '../../engine/template/certificates.ts';
import { generateValue } from '../../engine/template/generators.ts';

/** How guests will be spoken to: certificates, a password and an SSH key, new for each run. */
export interface GuestCredentials {
  readonly ca: string;
  readonly mbusPassword: string;
  readonly publicKey: string;
  readonly privateKeyPath: string;
  /** create_vm's `env`. */
  readonly env: JsonObject;
  /** What no log may have; a key may be logged line by line. */
  readonly secrets: readonly string[];
}

const none = async () => undefined;
const mbusPort = 6868;

/** Makes them, for agents at these addresses; the SSH key is written into the folder. */
export async function makeCredentials(
  folder: string,
  addresses: readonly string[],
): Promise<GuestCredentials> {
  const mbusPassword = randomBytes(12).toString('hex');
  const [cert, ssh] = await Promise.all([
    certificateFor(addresses),
    generateValue({ name: 'ssh', type: 'ssh', options: {} }, none),
  ]);
  const { private_key: privateKey, public_key: publicKey } = ssh as Record<
    'private_key' | 'public_key',
    string
  >;
  const privateKeyPath = join(folder, 'key');
  await writeFile(privateKeyPath, privateKey, { mode: 0o600 });
  await chmod(privateKeyPath, 0o600);
  const urls = [`https://mbus:${mbusPassword}@0.0.0.0:${mbusPort}`];
  // a director's env has the blobstore, and an agent without one does not start
  const blobstores = [{ provider: 'local', options: { blobstore_path: '/var/vcap/micro_bosh/data/cache' } }];
  const bosh = { mbus: { urls, cert: { ...cert } }, blobstores, password: '*', authorized_keys: [publicKey] };
  const secrets = [mbusPassword, ...linesOf(cert.private_key)];
  return { ca: cert.ca, mbusPassword, publicKey, privateKeyPath, env: { bosh }, secrets };
}

const linesOf = (pem: string): string[] =>
  pem.split('\n').filter((line) => line.length > 20 && !line.startsWith('-'));

async function certificateFor(addresses: readonly string[]) {
  const size = { key_length: 2048 };
  const ca = await generateCertificate('ca', { ...size, common_name: 'ca', is_ca: true }, none);
  const options = { ...size, common_name: addresses[0] ?? '', alternative_names: [...addresses], ca: 'ca' };
  return await generateCertificate('agents', options, async () => ({ ...ca }));
}

export const mbusUrl = (address: string, { mbusPassword }: GuestCredentials): string =>
  `https://mbus:${mbusPassword}@${address}:${mbusPort}`;
