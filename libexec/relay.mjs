// Connects stdin and stdout with a TCP port: `nsenter --net=NS node relay.mjs HOST PORT` reaches a guest of a private host.
// One byte on stdout says that the connection stands; what follows is the peer's. Status 1: no connection, or a broken one.
import { connect } from 'node:net';

const [, , host, port] = process.argv;
/** How long a peer that says nothing is waited for once those on our side have ended: they may have died. */
const lingerMs = 30_000;

const socket = connect({ host, port: Number(port), noDelay: true });
socket.once('connect', () => {
  process.stdout.write('+');
  socket.pipe(process.stdout);
});
process.stdin.pipe(socket); // from the start: how else would we know that our side has ended
socket.once('error', (error) => {
  process.stderr.write(error.message);
  process.exitCode = 1;
});
socket.once('close', () => process.stdin.destroy());
process.stdin.once('end', () => {
  if (socket.connecting) socket.destroy();
  else socket.setTimeout(lingerMs, () => socket.destroy());
});
process.stdout.once('error', () => socket.destroy());
