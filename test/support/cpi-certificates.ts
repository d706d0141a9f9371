import { VarsStore } from '../../src/engine/template/vars-store.ts';
import type { Node } from '../../src/engine/template/yaml.ts';

export interface CpiPair {
  readonly ca: string;
  readonly certificate: string;
  readonly private_key: string;
}

export interface CpiVariables {
  readonly boshvirt_cpi_ca: CpiPair;
  readonly boshvirt_cpi_server_tls: CpiPair;
  readonly boshvirt_cpi_client_tls: CpiPair;
}

/**
 * Generates into a vars-store what ops-files/director.yml asks for, with a server at `address`; what is there stays.
 * `serverDays`: how long the server's is good.
 */
export async function cpiCertificates(
  varsStorePath: string,
  address: string,
  { serverDays = 3650 } = {},
): Promise<CpiVariables> {
  const store = new VarsStore(varsStorePath);
  const ca = 'boshvirt_cpi_ca';
  const make = async (name: string, options: Record<string, Node>) =>
    (await store.source({ name, type: 'certificate', options })) as unknown as CpiPair;
  const names = { common_name: address, alternative_names: [address] };
  return {
    boshvirt_cpi_ca: await make(ca, { is_ca: true, common_name: 'boshvirt-cpi-ca' }),
    boshvirt_cpi_server_tls: await make('boshvirt_cpi_server_tls', {
      ...{ ca, ...names, extended_key_usage: ['server_auth'] },
      duration: serverDays,
    }),
    boshvirt_cpi_client_tls: await make('boshvirt_cpi_client_tls', {
      ...{ ca, common_name: 'director', extended_key_usage: ['client_auth'] },
    }),
  };
}
