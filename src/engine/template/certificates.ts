import 'reflect-metadata';
import { createPrivateKey, randomBytes, webcrypto } from 'node:crypto';
import { isIP } from 'node:net';
import * as x509 from '@peculiar/x509';
import { UserError } from '../../platform/errors.ts';
import { isMap, type Node, type NodeMap } from './yaml.ts';

/** The value of a certificate variable. All PEM; `ca` is the issuer's certificate. */
export interface CertificateValue {
  readonly ca: string;
  readonly certificate: string;
  readonly private_key: string;
}

/** Finds the value of the CA variable of that name. */
export type IssuerLookup = (name: string) => Promise<Node | undefined>;

const defaultDays = 365;
const defaultKeyBits = 3072;
const algorithm = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256', publicExponent: new Uint8Array([1, 0, 1]) };
const usages = {
  client_auth: x509.ExtendedKeyUsage.clientAuth,
  server_auth: x509.ExtendedKeyUsage.serverAuth,
} as const;
const dayMs = 86_400_000;

/** Makes a certificate with the options that bosh knows: common_name, alternative_names, is_ca, ca, duration (days), … */
export async function generateCertificate(
  name: string,
  options: NodeMap,
  findIssuer: IssuerLookup,
): Promise<CertificateValue> {
  const isCa = options.is_ca === true;
  const caName = typeof options.ca === 'string' ? options.ca : undefined;
  if (!isCa && caName === undefined) throw wrong(name, 'it is no CA and names none (option ca)');
  const modulusLength = Number(options.key_length ?? defaultKeyBits);
  if (![2048, 3072, 4096].includes(modulusLength))
    throw wrong(name, `key_length ${modulusLength} is none of 2048, 3072, 4096`);
  const keys = await webcrypto.subtle.generateKey({ ...algorithm, modulusLength }, true, ['sign', 'verify']);
  const issuer = caName === undefined ? undefined : await issuerFrom(name, caName, await findIssuer(caName));
  const subject = subjectOf(options);
  const now = new Date();
  const certificate = await x509.X509CertificateGenerator.create(
    {
      serialNumber: serialNumber(),
      subject,
      issuer: issuer?.certificate.subjectName.toString() ?? subject.toString(),
      notBefore: now,
      notAfter: new Date(now.getTime() + Number(options.duration || defaultDays) * dayMs),
      publicKey: keys.publicKey,
      signingKey: issuer?.privateKey ?? keys.privateKey,
      signingAlgorithm: algorithm,
      extensions: await extensionsOf(name, options, isCa, keys.publicKey, issuer?.certificate),
    },
    webcrypto,
  );
  const pem = withNewline(certificate.toString('pem'));
  const privateKey = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey));
  return {
    ca: issuer?.pem ?? pem,
    certificate: pem,
    private_key: createPrivateKey({ key: privateKey, format: 'der', type: 'pkcs8' })
      .export({ type: 'pkcs1', format: 'pem' })
      .toString(),
  };
}

interface Issuer {
  readonly certificate: x509.X509Certificate;
  readonly privateKey: webcrypto.CryptoKey;
  readonly pem: string;
}

async function issuerFrom(name: string, caName: string, value: Node | undefined): Promise<Issuer> {
  if (!isMap(value ?? null)) throw wrong(name, `its CA ${caName} has no value`);
  const { certificate: pem, private_key: key } = value as NodeMap;
  if (typeof pem !== 'string' || typeof key !== 'string')
    throw wrong(name, `its CA ${caName} lacks certificate or private_key`);
  const der = createPrivateKey(key).export({ type: 'pkcs8', format: 'der' });
  const privateKey = await webcrypto.subtle.importKey('pkcs8', der, algorithm, false, ['sign']);
  return { certificate: new x509.X509Certificate(pem), privateKey: privateKey as webcrypto.CryptoKey, pem };
}

function subjectOf(options: NodeMap): x509.Name {
  const organization =
    typeof options.organization === 'string' && options.organization !== ''
      ? options.organization
      : 'Cloud Foundry';
  const parts: x509.JsonNameParams = [{ C: ['US'] }, { O: [organization] }];
  const commonName = options.common_name;
  if (commonName !== undefined && commonName !== null && commonName !== '')
    parts.push({ CN: [String(commonName)] });
  return new x509.Name(parts);
}

async function extensionsOf(
  name: string,
  options: NodeMap,
  isCa: boolean,
  publicKey: webcrypto.CryptoKey,
  issuer: x509.X509Certificate | undefined,
): Promise<x509.Extension[]> {
  const subjectKey = await x509.SubjectKeyIdentifierExtension.create(publicKey, false, webcrypto);
  const issuerKey = issuer?.getExtension(x509.SubjectKeyIdentifierExtension)?.keyId ?? subjectKey.keyId;
  const common = [
    new x509.BasicConstraintsExtension(isCa, undefined, true),
    subjectKey,
    new x509.AuthorityKeyIdentifierExtension(issuerKey),
  ];
  if (isCa)
    return [
      ...common,
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
    ];
  const names = textsIn(options.alternative_names).map(
    (each) => ({ type: isIP(each) === 0 ? 'dns' : 'ip', value: each }) as const,
  );
  return [
    ...common,
    new x509.KeyUsagesExtension(
      x509.KeyUsageFlags.keyEncipherment | x509.KeyUsageFlags.digitalSignature,
      true,
    ),
    new x509.ExtendedKeyUsageExtension(extendedUsages(name, options)),
    ...(names.length > 0 ? [new x509.SubjectAlternativeNameExtension(names)] : []),
  ];
}

function extendedUsages(name: string, options: NodeMap): string[] {
  const asked = textsIn(options.extended_key_usage);
  if (asked.length === 0) return [usages.server_auth];
  return asked.map((usage) => {
    if (usage === 'client_auth' || usage === 'server_auth') return usages[usage];
    throw wrong(name, `extended_key_usage '${usage}' is neither client_auth nor server_auth`);
  });
}

const textsIn = (node: Node | undefined): string[] => (Array.isArray(node) ? node.map(String) : []);
const withNewline = (text: string): string => (text.endsWith('\n') ? text : `${text}\n`);

/** 127 random bits: positive, and never twice. */
function serialNumber(): string {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x01;
  return bytes.toString('hex');
}

function wrong(name: string, why: string): UserError {
  return new UserError('USAGE', `Certificate ${name} cannot be made: ${why}`);
}
