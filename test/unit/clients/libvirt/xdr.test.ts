import { expect, test } from 'vitest';
import { parameters, XdrReader, XdrWriter } from '../../../../src/clients/libvirt/xdr.ts';
import { text, word } from './scripted-peer.ts';

const read = (...parts: Buffer[]) => parameters.read(new XdrReader(Buffer.concat(parts)));

test('parameters of every type that libvirt has are read', () => {
  const half = Buffer.alloc(8);
  half.writeDoubleBE(0.5);
  const values = [
    [text('int'), word(1, -2)],
    [text('uint'), word(2, -1)],
    [text('llong'), word(3, -1, -3)],
    [text('ullong'), word(4, 1, 0)],
    [text('double'), word(5), half],
    [text('boolean'), word(6, 1)],
    [text('string'), word(7), text('why not')],
  ];
  expect(read(word(values.length), ...values.flat())).toEqual([
    { name: 'int', value: -2 },
    { name: 'uint', value: 4_294_967_295 },
    { name: 'llong', value: -3 },
    { name: 'ullong', value: 4_294_967_296 },
    { name: 'double', value: 0.5 },
    { name: 'boolean', value: true },
    { name: 'string', value: 'why not' },
  ]);
});

test('a parameter of a type that there is not is refused', () => {
  for (const type of [0, 8]) expect(() => read(word(1), text('odd'), word(type, 0))).toThrow(RangeError);
  expect(() => parameters.write(new XdrWriter(), [{ name: 'a', value: 1 }])).toThrow(RangeError);
});
