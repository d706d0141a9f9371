import { X509Certificate } from 'node:crypto';
import { UserError } from '../../platform/errors.ts';
import { readVarsStore, storeLacks } from '../vars-store.ts';

/** PEM of one side: its certificate and key, and the CA that the other side's is held against. */
export interface CpiCertificates {
  readonly ca: string;
  readonly certificate: string;
  readonly privateKey: string;
}

const sides = { server: 'boshvirt_cpi_server_tls', client: 'boshvirt_cpi_client_tls' } as const;

/**
 * What ops-files/director.yml has bosh generate for the CPI server or for its client, out of the environment's vars-store.
 * Throws STATE_DAMAGED if it is not there.
 */
export async function cpiCertificates(name: string, side: keyof typeof sides): Promise<CpiCertificates> {
  const variable = sides[side];
  const store = await readVarsStore(name);
  const ca = textIn(store.boshvirt_cpi_ca, 'certificate');
  const certificate = textIn(store[variable], 'certificate');
  const privateKey = textIn(store[variable], 'private_key');
  if (ca && certificate && privateKey) return { ca, certificate, privateKey };
  return storeLacks(name, `boshvirt_cpi_ca or ${variable}`);
}

/** Whether both sides have theirs; deleted ones are made anew by create-env, and with them the director's machine. */
export async function hasCpiCertificates(name: string): Promise<boolean> {
  try {
    await Promise.all([cpiCertificates(name, 'server'), cpiCertificates(name, 'client')]);
    return true;
  } catch (error) {
    if (error instanceof UserError && error.code === 'STATE_DAMAGED') return false;
    throw error;
  }
}

/** The day after which it is refused. */
export const expiryOf = ({ certificate }: CpiCertificates): Date =>
  new Date(new X509Certificate(certificate).validTo);

const textIn = (value: unknown, key: string): string | undefined => {
  const text = (value as Record<string, unknown> | null | undefined)?.[key];
  return typeof text === 'string' ? text : undefined;
};
