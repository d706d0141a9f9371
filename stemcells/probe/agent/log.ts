import { appendFileSync, mkdirSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

/** Says one line about what the agent does; never a secret. */
export type Log = (line: string) => void;

/** A log to the serial console and to a file that fetch_logs collects. */
export function guestLog(consoleFd: number, file: string): Log {
  mkdirSync(dirname(file), { recursive: true });
  return (line) => {
    const text = `[agent] ${line}\n`;
    writeSync(consoleFd, text);
    appendFileSync(file, `${new Date().toISOString()} ${text}`);
  };
}
