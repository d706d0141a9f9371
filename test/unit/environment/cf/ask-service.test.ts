import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { expect, test } from 'vitest';
import { askService } from '../../../../src/environment/cf/ask-service.ts';
import { guestRoad } from '../../../../src/host/forward.ts';

const question = { method: 'GET', path: '/' } as const;

test('somebody who takes the connection and says nothing is left when the signal fires', async () => {
  const closed = Promise.withResolvers<void>();
  const interrupt = new AbortController();
  const server = createServer((socket: Socket) => {
    socket.once('close', () => closed.resolve());
    socket.once('data', () => interrupt.abort(new Error('Ctrl-C')));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const service = { url: `https://127.0.0.1:${port}`, ca: undefined };
  const way = { road: guestRoad(undefined), signal: interrupt.signal };
  await expect(askService(service, question, way)).rejects.toThrow('Ctrl-C');
  await closed.promise;
  server.close();
});

test('nobody there is told of with the address', async () => {
  const way = { road: guestRoad(undefined), signal: new AbortController().signal };
  await expect(
    askService({ url: 'https://127.0.0.1:1', ca: undefined }, question, way),
  ).rejects.toMatchObject({
    code: 'TEMPORARY',
    message: expect.stringContaining('https://127.0.0.1:1'),
  });
});
