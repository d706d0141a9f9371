import { expect, test } from 'vitest';
import { parseXml, type XmlElement } from '../../../../../src/clients/libvirt/index.ts';
import type { NetworkSpec } from '../../../../../src/cpi/agent/networks.ts';
import type { JsonObject, StemcellCid, VmCid } from '../../../../../src/cpi/backend.ts';
import { domainXml } from '../../../../../src/cpi/backends/lxc/domain-xml.ts';
import { parseVmProperties } from '../../../../../src/cpi/backends/lxc/options.ts';
import { CloudError } from '../../../../../src/cpi/errors.ts';
import { silentLog } from '../../../../../src/platform/log.ts';

const vm = 'vm-0123456789abcdef0' as VmCid;
const manual: NetworkSpec = {
  type: 'manual',
  ip: '10.0.0.6',
  netmask: '255.255.255.0',
  gateway: '10.0.0.1',
  default: ['dns', 'gateway'],
};
const v6: NetworkSpec = { type: 'manual', ip: 'fd00::6', netmask: 'ffff:ffff:ffff:ffff::', prefix: '128' };

function domain(
  properties: JsonObject = {},
  networks: Record<string, NetworkSpec> = { a: manual, v6, b: {} },
) {
  const xml = domainXml({
    folder: '/pool',
    environment: `it's <mine>`,
    spec: {
      cid: vm,
      agentId: 'agent "1"',
      stemcell: 'sc-0123456789abcdef0' as StemcellCid,
      cloudProperties: {},
      nics: [
        { networks: ['a', 'v6'], hostNetwork: 'net-a', mac: '52:54:00:aa:bb:cc', ips: [] },
        ...(networks.b?.ip
          ? [{ networks: ['b'], hostNetwork: 'bridge:br0', mac: '52:54:00:aa:bb:cd', ips: [] }]
          : []),
      ],
      networks,
    },
    properties: parseVmProperties(properties, silentLog),
  });
  const root = parseXml(xml).child('domain');
  if (!root) throw new Error('no domain');
  return root;
}
const devices = (root: XmlElement, name: string): XmlElement[] => root.child('devices')?.children(name) ?? [];
const words = (root: XmlElement) =>
  root
    .child('os')
    ?.children('initarg')
    .map(({ text }) => text) ?? [];

test('the size is as asked: memory as a limit, processors as a share of time', () => {
  const root = domain({ cpus: 3, memory: 512 });
  expect(root.attribute('type')).toBe('lxc');
  expect([root.child('name')?.text, root.child('title')?.text]).toEqual([vm, "BOSH VM of it's <mine>"]);
  expect([root.child('memory')?.attribute('unit'), root.child('memory')?.text]).toEqual(['MiB', '512']);
  const { period, quota } = Object.fromEntries(
    ['period', 'quota'].map((name) => [name, Number(root.at('cputune', name)?.text)]),
  );
  expect((quota ?? 0) / (period ?? 1)).toBe(3);
});

test('the container sees its root, its ephemeral disk, its settings read-only, and writes its console to a file', () => {
  const seen = devices(domain(), 'filesystem').map((filesystem) => ({
    source: filesystem.child('source')?.attribute(filesystem.attribute('type') === 'block' ? 'dev' : 'dir'),
    at: filesystem.child('target')?.attribute('dir'),
    readonly: filesystem.child('readonly') !== undefined,
  }));
  expect(seen).toEqual([
    { source: `/dev/boshvirt/${vm}-root.img`, at: '/', readonly: false },
    { source: `/dev/boshvirt/${vm}-ephemeral.img`, at: '/var/vcap/data', readonly: false },
    {
      source: `/pool/${vm}-settings.json`,
      at: '/var/vcap/bosh/warden-cpi-agent-env.json',
      readonly: true,
    },
    { source: `/pool/${vm}-console.log`, at: '/var/log/console.log', readonly: false },
  ]);
  // libvirt refuses longer ones for what it makes a loop device of
  for (const { source = '' } of seen.slice(0, 2)) expect(source.length).toBeLessThan(64);
  expect(devices(domain({ ephemeral_disk: 0 }), 'filesystem')).toHaveLength(3);
});

test('its first program is the stemcell’s own, or the one that is asked for', () => {
  expect(words(domain()).slice(2)).toEqual([vm]);
  expect(words(domain({ init: '/lib/systemd/systemd' })).slice(2)).toEqual([vm, '/lib/systemd/systemd']);
  expect(words(domain({ init: ['/bin/x', '<&'] })).slice(3)).toEqual(['/bin/x', '<&']);
});

test('NICs come in order, each with its addresses and routes', () => {
  const route = { destination: '10.9.0.0', netmask: '255.255.0.0', gateway: '10.0.1.1' };
  const b: NetworkSpec = { ip: '10.0.1.6', netmask: '255.255.255.128', gateway: '10.0.1.1', routes: [route] };
  const nics = devices(domain({}, { a: manual, v6, b }), 'interface').map((nic) => ({
    as: nic.child('guest')?.attribute('dev'),
    on: nic.child('source')?.attribute('network') ?? nic.child('source')?.attribute('bridge'),
    mac: nic.child('mac')?.attribute('address'),
    addresses: nic.children('ip').map((ip) => `${ip.attribute('address')}/${ip.attribute('prefix')}`),
    routes: nic
      .children('route')
      .map((to) => `${to.attribute('address')}/${to.attribute('prefix')} ${to.attribute('gateway')}`),
  }));
  expect(nics).toEqual([
    {
      as: 'eth0',
      on: 'net-a',
      mac: '52:54:00:aa:bb:cc',
      addresses: ['10.0.0.6/24', 'fd00::6/64'],
      routes: ['0.0.0.0/0 10.0.0.1'],
    },
    {
      as: 'eth1',
      on: 'br0',
      mac: '52:54:00:aa:bb:cd',
      addresses: ['10.0.1.6/25'],
      routes: ['10.9.0.0/16 10.0.1.1'],
    },
  ]);
});

test('a network that gives no address is refused by its name', () => {
  const thrown = (() => {
    try {
      return domain({}, { a: { type: 'dynamic' }, v6, b: {} });
    } catch (error) {
      return error;
    }
  })();
  expect(thrown).toBeInstanceOf(CloudError);
  expect(thrown).toMatchObject({ type: 'NotSupported', message: expect.stringContaining("'a' (dynamic)") });
});
