/**
 * A process that takes a lock and keeps it until its stdin ends: `node lock-holder.ts PATH PURPOSE`. With a third word it
 * starts a child that inherits the lock and ends when descriptor 3 does.
 */
import { spawn } from 'node:child_process';
import { takeLock } from '../../../src/platform/lock.ts';

const [, , path = '', purpose = '', child] = process.argv;
const lock = await takeLock(path, 0, purpose);
if (child) spawn('cat', { stdio: [3, 'ignore', 'inherit', lock.descriptor] });
process.stdout.write('held\n');
await new Promise((resolve) => process.stdin.once('end', resolve).resume());
await lock[Symbol.asyncDispose]();
