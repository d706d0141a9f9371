// Connects stdin and stdout with a TCP port: `nsenter --net=NS node relay.mjs HOST PORT` reaches a guest of a private host.
// One byte on stdout says that the connection stands; what follows is the peer's.
import { connect } from 'node:net';

const [, , host, port] = process.argv;
const socket = connect({ host, port: Number(port) });
socket.setNoDelay(true);
socket.once('connect', () => {
  process.stdout.write('+');
  process.stdin.pipe(socket);
  socket.pipe(process.stdout);
});
socket.once('error', (error) => {
  process.stderr.write(error.message);
  process.exitCode = 1;
  process.stdin.destroy();
});
process.stdout.once('error', () => socket.destroy());
