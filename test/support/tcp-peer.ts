/**
 * A TCP server that does what the first line of a connection asks for: `node tcp-peer.ts`. It listens on 127.0.0.1, prints its
 * port, and ends with its stdin.
 *
 *     echo            sends back what comes, and ends when the other side does
 *     send N          sends N bytes of a known pattern while it swallows what comes, and ends
 *     count           swallows until the other side ends, then says how many bytes it has got
 *     bye             says bye, ends its side, and swallows what comes
 *     deaf            reads nothing any more
 *     reset           breaks the connection off
 *     totals          says how many bytes the last `send` could hand to the kernel, and how many it has swallowed
 */
import { createServer, type Socket } from 'node:net';
import { pipeline } from 'node:stream/promises';

const piece = Buffer.from(Array.from({ length: 65_536 }, (_, at) => at % 251));
const totals = { sent: 0, swallowed: 0 };

const acts: Readonly<Record<string, (socket: Socket, word: string | undefined) => unknown>> = {
  echo: (socket) => socket.pipe(socket),
  send: async (socket, word) => {
    Object.assign(totals, { sent: 0, swallowed: 0 });
    socket.on('data', (chunk: Buffer) => {
      totals.swallowed += chunk.length;
    });
    await pipeline(pattern(Number(word), socket), socket).catch(() => {}); // the other side may have gone
  },
  count: (socket) => {
    let count = 0;
    socket.on('data', (chunk: Buffer) => {
      count += chunk.length;
    });
    socket.on('end', () => socket.end(String(count)));
  },
  bye: (socket) => socket.resume().end('bye'),
  deaf: (socket) => socket.pause(),
  reset: (socket) => socket.resetAndDestroy(),
  totals: (socket) => socket.end(JSON.stringify(totals)),
};

function* pattern(length: number, socket: Socket): Generator<Buffer> {
  for (let left = length; left > 0; left -= piece.length) {
    yield piece.subarray(0, left);
    totals.sent = socket.bytesWritten - socket.writableLength;
  }
}

const server = createServer({ allowHalfOpen: true }, (socket) => {
  socket.on('error', () => {});
  socket.once('data', (first: Buffer) => {
    const at = first.indexOf('\n');
    const [verb = '', word] = first.subarray(0, at).toString().split(' ');
    if (first.length > at + 1) socket.unshift(first.subarray(at + 1));
    acts[verb]?.(socket, word);
  });
});
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  if (address && typeof address === 'object') process.stdout.write(`${address.port}\n`);
});
process.stdin.once('end', () => process.exit()).resume();
