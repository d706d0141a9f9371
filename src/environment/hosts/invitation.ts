import { join } from 'node:path';
import * as z from 'zod/mini';
import en from 'zod/v4/locales/en.js';
import { generateCertificate } from '../../engine/template/certificates.ts';
import { cpiServerPort } from '../../manifest/compose.ts';
import { messageOf, UserError } from '../../platform/errors.ts';
import { readTextIfThere, writeFileAtomic } from '../../platform/files.ts';
import { environmentPaths } from '../paths.ts';
import type { ServedHost } from './hosts-record.ts';
import type { PlannedHost } from './plan-host.ts';
import { tunnelSchema } from './tunnel-schema.ts';

const pair = z.object({ ca: z.string(), certificate: z.string(), private_key: z.string() });

const schema = z.object({
  version: z.literal(1),
  /** What the share in the environment is called on the machine that joins. */
  environment: z.string(),
  tunnel: tunnelSchema,
  /** The variables of a CPI server, as bosh would have made them. */
  credentials: z.object({
    boshvirt_cpi_ca: z.object({ certificate: z.string() }),
    boshvirt_cpi_server_tls: pair,
    boshvirt_cpi_client_tls: pair,
  }),
});

/** All that a machine needs to become a host of an environment: a file with a private key in it. */
export type Invitation = z.output<typeof schema>;

/** Where the invitation of a host that has not joined yet lies. */
export const invitationPath = (environment: string, host: string): string =>
  join(environmentPaths(environment).folder, 'hosts', `${host}.invitation`);

/** A host that will serve its CPI at its end of the tunnel, and the invitation to it. Its certificates are for it alone. */
export async function invite(planned: PlannedHost): Promise<{ host: ServedHost; invitation: Invitation }> {
  const { environment, tunnel, name } = planned;
  const address = tunnel.probe.far;
  const ca = await generateCertificate(
    'ca',
    { is_ca: true, common_name: `boshvirt-${name}`, ...lasting },
    none,
  );
  const signed = async (options: Record<string, string | string[]>) =>
    await generateCertificate(name, { ca: 'ca', ...options, ...lasting }, async () => ({ ...ca }));
  const server = await signed({
    ...{ common_name: address, alternative_names: [address], extended_key_usage: ['server_auth'] },
  });
  const client = await signed({ common_name: environment, extended_key_usage: ['client_auth'] });
  const { underlay: _, ...way } = tunnel;
  const url = `https://${address}:${cpiServerPort}`;
  return {
    host: { kind: 'served', ...planned, served: { url, ...client } },
    invitation: {
      ...{ version: 1, environment, tunnel: way },
      credentials: {
        boshvirt_cpi_ca: { certificate: ca.certificate },
        boshvirt_cpi_server_tls: server,
        boshvirt_cpi_client_tls: client,
      },
    },
  };
}

/** As the environment's own CPI certificates: ten years. */
const lasting = { duration: 3650 };
const none = async (): Promise<undefined> => undefined;

/** Keeps it private to the user. */
export async function writeInvitation(path: string, invitation: Invitation): Promise<void> {
  await writeFileAtomic(path, `${JSON.stringify(invitation, null, 2)}\n`);
}

/** Throws a UserError for a file that is not there or is no invitation. */
export async function readInvitation(path: string): Promise<Invitation> {
  const text = await readTextIfThere(path);
  if (text === undefined) throw noInvitation(path, 'there is no such file');
  const parsed = z.safeParse(schema, parseJson(path, text), { error: en().localeError });
  if (parsed.success) return parsed.data;
  const [first] = parsed.error.issues;
  throw noInvitation(path, `${first?.path.join('.')}: ${first?.message}`);
}

function parseJson(path: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw noInvitation(path, messageOf(error).replace(/,? ?".*$/s, '')); // it quotes the text, which has a key in it
  }
}

const noInvitation = (path: string, why: string): UserError =>
  new UserError('USAGE', `${path} is no invitation: ${why}`, {
    hints: ['boshvirt host add on the environment’s own machine writes one, and says where'],
  });
