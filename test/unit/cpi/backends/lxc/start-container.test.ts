import { expect, test } from 'vitest';
import { connectLibvirt, libvirtErrors } from '../../../../../src/clients/libvirt/index.ts';
import { startContainer } from '../../../../../src/cpi/backends/lxc/start-container.ts';
import { errorBody, friendly, startPeer, text, wire, word } from '../../../clients/libvirt/scripted-peer.ts';

/** Numbers of libvirt's procedures. */
const calls = { byName: 23, isActive: 150, create: 196, destroy: 234, sendSignal: 295 } as const;
const vm = Buffer.concat([text('vm-1'), Buffer.alloc(16), word(7)]);

/** A libvirt that learns of a container's first process at its `knownAt`th start only; gives what it was asked to do. */
async function startWhereKnownAt(
  knownAt: number,
  refusal: [code: number, text: string] = [
    libvirtErrors.OPERATION_INVALID,
    'Init process ID is not yet known',
  ],
): Promise<{ starts: number; stops: number; error: unknown }> {
  const seen = { starts: 0, stops: 0, active: false };
  const peer = await startPeer(
    friendly((message, connection) => {
      const { procedure } = message;
      if (procedure === calls.create) Object.assign(seen, { starts: seen.starts + 1, active: true });
      if (procedure === calls.destroy) Object.assign(seen, { stops: seen.stops + 1, active: false });
      if (procedure === calls.isActive) connection.reply(message, word(seen.active ? 1 : 0));
      else if (procedure === calls.sendSignal && seen.starts < knownAt) {
        connection.reply(message, errorBody(refusal[0], 19, refusal[1]), wire.error);
      } else if (procedure === calls.byName || procedure === calls.create) connection.reply(message, vm);
      else connection.reply(message);
    }),
  );
  await using libvirt = await connectLibvirt(peer.uri);
  const domain = await libvirt.findDomain('vm-1');
  if (!domain) throw new Error('the peer has no such domain');
  const error = await startContainer(domain, 'VMCreationFailed').catch((thrown: unknown) => thrown);
  return { starts: seen.starts, stops: seen.stops, error };
}

test('a container whose first process libvirt knows is started once', async () => {
  expect(await startWhereKnownAt(1)).toEqual({ starts: 1, stops: 0, error: undefined });
});

test('one whose first process libvirt has missed is stopped and started anew', async () => {
  expect(await startWhereKnownAt(2)).toEqual({ starts: 2, stops: 1, error: undefined });
});

test('one of which libvirt knows only the first process of the time before is started anew too', async () => {
  const noSuchProcess = [
    libvirtErrors.SYSTEM_ERROR,
    'Unable to send 0 signal to process 5: No such process',
  ] as const;
  expect(await startWhereKnownAt(2, [...noSuchProcess])).toEqual({ starts: 2, stops: 1, error: undefined });
});

test('one whose first process libvirt never learns of is left stopped, and worth another try', async () => {
  const { starts, stops, error } = await startWhereKnownAt(Number.POSITIVE_INFINITY);
  expect(stops).toBe(starts);
  expect(error).toMatchObject({ type: 'VMCreationFailed', okToRetry: true });
});
