import { expect, test } from 'vitest';
import { parseXml } from '../../../../src/clients/libvirt/index.ts';
import { ToolError } from '../../../../src/platform/errors.ts';

const domain = `<?xml version='1.0'?>
<!-- made by <libvirt> -->
<domain type='qemu' id="3">
  <metadata>
    <boshvirt:vm xmlns:boshvirt="urn:boshvirt:vm:1" agent="a &lt;b&gt; &quot;c&quot; it&apos;s &#65;&#x42; &amp;amp;" empty=''/>
  </metadata>
  <devices>
    <disk  type = 'file'
           device='disk'><target dev='vda'/><serial> disk-1 </serial></disk>
    <emulator>/usr/bin/qemu</emulator>
    <disk type='file'><target dev='vdb' ></target></disk>
  </devices>
  <title><![CDATA[a <b> &amp;]]> &amp; c</title>
</domain>
`;

test('elements are found by name and by path, in the order of the document', () => {
  const devices = parseXml(domain).at('domain', 'devices');
  expect(devices?.children('disk').map((disk) => disk.child('target')?.attribute('dev'))).toEqual([
    'vda',
    'vdb',
  ]);
  expect(devices?.child('disk')?.name).toBe('disk');
  expect(devices?.child('interface')).toBeUndefined();
  expect(parseXml(domain).at('domain', 'os', 'type')).toBeUndefined();
});

test('attributes come in either kind of quotes, with any space', () => {
  const root = parseXml(domain).child('domain');
  expect([root?.attribute('type'), root?.attribute('id'), root?.attribute('name')]).toEqual([
    'qemu',
    '3',
    undefined,
  ]);
  expect(root?.at('devices', 'disk')?.attribute('device')).toBe('disk');
  expect(root?.attribute('constructor')).toBeUndefined();
});

test('prefixes are left out, references become characters', () => {
  const vm = parseXml(domain).at('domain', 'metadata', 'vm');
  expect(vm?.attribute('agent')).toBe('a <b> "c" it\'s AB &amp;');
  expect(vm?.attribute('empty')).toBe('');
});

test('text is an element’s own, without the space around it', () => {
  const root = parseXml(domain).child('domain');
  expect(root?.at('devices', 'disk', 'serial')?.text).toBe('disk-1');
  expect(root?.child('devices')?.text).toBe('');
  expect(root?.child('title')?.text).toBe('a <b> &amp; & c');
});

test.each([
  ['an element that is not closed', '<a><b></b>'],
  ['an element that another one closes', '<a><b></a>'],
  ['an end without a start', '<a/></b>'],
  ['an attribute without quotes', '<a b=c/>'],
  ['a bare <', '<a>1 < 2</a>'],
])('%s is refused', (_, document) => {
  expect(() => parseXml(document)).toThrow(ToolError);
  expect(() => parseXml(document)).toThrow('XML from libvirt cannot be read');
});
