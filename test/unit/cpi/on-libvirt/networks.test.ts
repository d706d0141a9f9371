import { expect, test } from 'vitest';
import { parseNetworkProperties } from '../../../../src/cpi/on-libvirt/networks.ts';
import { silentLog } from '../../../../src/platform/log.ts';

test('a network’s name is text, or not given', () => {
  expect(parseNetworkProperties('n', { name: 'virbr' }, silentLog)).toBe('virbr');
  expect(parseNetworkProperties('n', {}, silentLog)).toBe('');
  expect(() => parseNetworkProperties('n', { name: ['a'] }, silentLog)).toThrow(
    'networks.n.cloud_properties.name: ',
  );
});
