import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import type { TlsIdentity } from './settings.ts';

/** Just enough DER (X.690) for a certificate (RFC 5280) of an agent that was given none. */

const tags = {
  integer: 0x02,
  bits: 0x03,
  oid: 0x06,
  utf8: 0x0c,
  time: 0x18,
  sequence: 0x30,
  set: 0x31,
  version: 0xa0,
};
const ecdsaWithSha256 = [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02];
const commonName = [0x55, 0x04, 0x03];

/** A self-signed certificate with a key of its own, good for any date. */
export function selfSigned(name: string): TlsIdentity {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const algorithm = der(tags.sequence, der(tags.oid, Buffer.from(ecdsaWithSha256)));
  const subject = der(
    tags.sequence,
    der(
      tags.set,
      der(tags.sequence, der(tags.oid, Buffer.from(commonName)), der(tags.utf8, Buffer.from(name))),
    ),
  );
  const validity = der(
    tags.sequence,
    ...['20200101000000Z', '99991231235959Z'].map((at) => der(tags.time, Buffer.from(at))),
  );
  const serial = randomBytes(16);
  serial[0] = ((serial[0] ?? 0) & 0x3f) | 0x40; // positive and without a leading zero
  const toSign = der(
    tags.sequence,
    der(tags.version, der(tags.integer, Buffer.from([2]))),
    der(tags.integer, serial),
    algorithm,
    subject,
    validity,
    subject,
    publicKey.export({ type: 'spki', format: 'der' }),
  );
  const signature = der(tags.bits, Buffer.from([0]), sign('sha256', toSign, privateKey));
  const lines =
    der(tags.sequence, toSign, algorithm, signature)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return {
    certificate: ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n'),
    privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}

function der(tag: number, ...contents: readonly Buffer[]): Buffer {
  const content = Buffer.concat(contents);
  const { length } = content;
  const size =
    length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}
