import { createHash, generateKeyPair, type KeyObject, randomInt } from 'node:crypto';
import { promisify } from 'node:util';
import { UserError } from '../../platform/errors.ts';
import { generateCertificate, type IssuerLookup } from './certificates.ts';
import type { VariableDefinition } from './interpolate.ts';
import type { Node } from './yaml.ts';

const generateKeys = promisify(generateKeyPair);
const letters = 'abcdefghijklmnopqrstuvwxyz0123456789';
const passwordLength = 20;
const keyBits = 2048;

/** Makes a value of a variable's type, with the shapes and strengths that bosh's own generators use. */
export async function generateValue(definition: VariableDefinition, issuer: IssuerLookup): Promise<Node> {
  const { type, name, options } = definition;
  if (type === 'password') return password(Number(options.length ?? passwordLength), name);
  if (type === 'certificate') return { ...(await generateCertificate(name, options, issuer)) };
  if (type === 'ssh') return await sshKey();
  if (type === 'rsa') return await rsaKey();
  throw new UserError('USAGE', `Variable ${name} has the type '${type}', which cannot be generated`, {
    hints: ['types: password, certificate, ssh, rsa', `or give a value: -v ${name}=...`],
  });
}

function password(length: number, name: string): string {
  if (!Number.isInteger(length) || length < 0)
    throw new UserError('USAGE', `Variable ${name}: length has to be a whole number`);
  return Array.from({ length: length || passwordLength }, () => letters[randomInt(letters.length)]).join('');
}

async function rsaPair(): Promise<{ publicKey: KeyObject; privatePem: string }> {
  const { publicKey, privateKey } = await generateKeys('rsa', { modulusLength: keyBits });
  return { publicKey, privatePem: privateKey.export({ type: 'pkcs1', format: 'pem' }).toString() };
}

async function rsaKey(): Promise<Node> {
  const { publicKey, privatePem } = await rsaPair();
  return {
    private_key: privatePem,
    public_key: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
  };
}

async function sshKey(): Promise<Node> {
  const { publicKey, privatePem } = await rsaPair();
  const blob = sshBlob(publicKey);
  const fingerprint = createHash('md5').update(blob).digest('hex').match(/../g)?.join(':') ?? '';
  return {
    private_key: privatePem,
    public_key: `ssh-rsa ${blob.toString('base64')}\n`,
    public_key_fingerprint: fingerprint,
  };
}

/** An RSA public key in SSH's wire form (RFC 4253, 6.6): name, exponent, modulus. */
function sshBlob(key: KeyObject): Buffer {
  const { e = '', n = '' } = key.export({ format: 'jwk' });
  const parts = [
    Buffer.from('ssh-rsa'),
    positive(Buffer.from(e, 'base64url')),
    positive(Buffer.from(n, 'base64url')),
  ];
  return Buffer.concat(parts.flatMap((part) => [uint32(part.length), part]));
}

/** A leading zero keeps a number with a high first bit positive. */
const positive = (bytes: Buffer): Buffer =>
  (bytes[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.from([0]), bytes]) : bytes;

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
