import { writeFile } from 'node:fs/promises';
import { afterEach, expect, test, vi } from 'vitest';
import { parse, stringify } from 'yaml';
import { type HostRecord, readHosts, writeHosts } from '../../../../src/environment/hosts/hosts-record.ts';
import { planSshHost } from '../../../../src/environment/hosts/plan-host.ts';
import { tellDirector } from '../../../../src/environment/hosts/tell-director.ts';
import { silentLog } from '../../../../src/platform/log.ts';
import { scriptedDirector } from '../director/scripted-director.ts';

afterEach(() => {
  vi.unstubAllEnvs();
});

/** A director with one config of each type, in files of their names, and a deployment whose VMs are in the file `vms`. */
const keeper = `answer='content = fs.readFileSync(process.argv[1], "utf8"); console.log(JSON.stringify({ Tables: [{ Rows: [{ content }] }] }))'
case "$1" in
  configs) type=\${2#--type=}; [ -e "$dir/$type" ] && rows='{"id":"'$type'*"}'; echo '{"Tables":[{"Rows":['"$rows"']}]}' ;;
  config) '${process.execPath}' -e "$answer" "$dir/$2" ;;
  update-config) for path in "$@"; do :; done; cp "$path" "$dir/\${2#--type=}" ;;
  deployments) [ -e "$dir/vms" ] && rows='{"name":"zk"}'; echo '{"Tables":[{"Rows":['"$rows"']}]}' ;;
  --deployment=zk) cat "$dir/vms" ;;
esac`;

const cloud = { azs: [{ name: 'z1' }, { name: 'z2' }], vm_types: [{ name: 'default' }] };

async function scene() {
  const director = await scriptedDirector(keeper);
  const lines: string[] = [];
  const caller = { log: silentLog, signal: new AbortController().signal };
  return {
    give: async (...hosts: [name: string, phase: HostRecord['phase']][]) => {
      const facts = { uri: 'qemu+ssh://box/system', backend: 'qemu', options: {}, port: 4789 } as const;
      const way = { near: '10.0.0.1', far: '10.0.0.2', underlay: 'machine' } as const;
      const planned = hosts.map(([name, phase]) => ({
        ...planSshHost('work', 'a', { name, ...facts, ...way }),
        phase,
      }));
      await writeHosts('work', { ...(await readHosts('work')), hosts: planned });
    },
    tell: async (phase: 'up' | 'preparing' = 'up') => {
      lines.length = 0;
      await tellDirector({ ...director.record, phase }, caller, (line) => lines.push(line));
      return lines.join('\n');
    },
    write: async (name: string, text: string) => await writeFile(director.path(name), text),
    config: async (type: 'cloud' | 'cpi') => parse(await director.read(type)),
    calls: async () => await director.read('calls').catch(() => ''),
    [Symbol.asyncDispose]: async () => await director[Symbol.asyncDispose](),
  };
}

test('entries come before the zones that name them, and nothing is done twice', async () => {
  await using director = await scene();
  await director.write('cloud', stringify(cloud));
  await director.give(['box', 'joined']);
  const said = await director.tell();
  expect(said).toContain('zones: z1 on first, z2 on box');
  expect(said).toContain('bosh upload-stemcell --fix');
  expect(await director.config('cloud')).toEqual({
    ...cloud,
    azs: [
      { name: 'z1', cpi: 'first' },
      { name: 'z2', cpi: 'box' },
    ],
  });
  expect((await director.config('cpi')).cpis).toMatchObject([{ name: 'first' }, { name: 'box' }]);
  const updates = async () => (await director.calls()).match(/update-config --type=\w+ --name=\S+/g);
  const once = [
    'update-config --type=cpi --name=boshvirt-hosts',
    'update-config --type=cloud --name=default',
  ];
  expect(await updates()).toEqual(once);
  await director.tell();
  expect(await updates()).toEqual(once);
});

test('zones with VMs stay', async () => {
  await using director = await scene();
  await director.write('cloud', stringify(cloud));
  await director.write('vms', '{"Tables":[{"Rows":[{"az":"z1"},{"az":"z2"}]}]}');
  await director.give(['box', 'joined']);
  expect(await director.tell()).toContain('zones: z1 on first, z2 on first, z3 on box');
});

test('a host that leaves loses its zones before its entry; one that is only joining has none', async () => {
  await using director = await scene();
  await director.write('cloud', stringify(cloud));
  await director.give(['box', 'joined'], ['half', 'joining']);
  await director.tell();
  await director.give(['box', 'leaving']);
  const said = await director.tell();
  expect(said).toContain('zones: z1 on first, z2 on first');
  expect(said).not.toContain('upload-stemcell');
  expect((await director.config('cpi')).cpis).toMatchObject([{ name: 'first' }]);
  const updates = (await director.calls()).match(/update-config --type=\w+/g)?.slice(2);
  expect(updates).toEqual(['update-config --type=cloud', 'update-config --type=cpi']);
});

test('a director without a cloud-config is told of in words; one that is not up is not asked', async () => {
  await using director = await scene();
  expect(await director.tell()).toBe('');
  await director.give(['box', 'joined']);
  expect(await director.tell('preparing')).toContain('boshvirt up work');
  expect(await director.calls()).toBe('');
  expect(await director.tell()).toContain('no cloud-config');
});
