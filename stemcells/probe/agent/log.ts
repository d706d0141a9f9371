import { appendFileSync, constants, mkdirSync, openSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

/** Says one line about what the agent does; never a secret. */
export type Log = (line: string) => void;

/** A log to the console and to a file that fetch_logs collects. */
export function guestLog(console: string, file: string): Log {
  mkdirSync(dirname(file), { recursive: true });
  const say = writerTo(console);
  return (line) => {
    const text = `[agent] ${line}\n`;
    say(text);
    appendFileSync(file, `${new Date().toISOString()} ${text}`);
  };
}

/** Writes what can be written at once: a container's console has an end at which perhaps nobody reads, or is not there. */
function writerTo(device: string): (text: string) => void {
  let descriptor: number;
  try {
    descriptor = openSync(device, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  } catch {
    return () => {};
  }
  return (text) => {
    try {
      writeSync(descriptor, text);
    } catch {
      // it is in the file
    }
  };
}
