import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { packageRoot } from '../../src/platform/package-root.ts';

export interface Ended {
  readonly stdout: string;
  readonly stderr: string;
  /** As a shell tells it: 128 + n for signal n. */
  readonly exitCode: number;
}

/** A boshvirt that runs, in a process group of its own as under a terminal. */
export interface Running {
  readonly ended: Promise<Ended>;
  /** Settles when stderr has shown `text`; rejects if the process ended without it. */
  shows(text: string): Promise<void>;
  /** Sends a signal to the whole group, as the terminal does. */
  signal(name: NodeJS.Signals): void;
  /** Sends a signal to boshvirt alone. */
  signalAlone(name: NodeJS.Signals): void;
}

export interface Launcher {
  readonly home: string;
  start(args: readonly string[], options?: StartOptions): Running;
  run(args: readonly string[], options?: StartOptions): Promise<Ended>;
}

interface StartOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

const signalNumbers: Readonly<Record<string, number>> = { SIGINT: 2, SIGKILL: 9, SIGTERM: 15 };

/** The real launcher (`bin/boshvirt`, or another at `program`) for a person whose home folder is `home`. */
export function launcherFor(home: string, program = join(packageRoot(), 'bin', 'boshvirt')): Launcher {
  const start = (args: readonly string[], { env = {}, cwd = home }: StartOptions = {}): Running => {
    const child = spawn(program, args, {
      cwd,
      env: { PATH: process.env.PATH, HOME: home, LC_ALL: 'C.UTF-8', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    return running(child);
  };
  return { home, start, run: (args, options) => start(args, options).ended };
}

function running(child: ChildProcess): Running {
  let stdout = '';
  let stderr = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const ended = once(child, 'close').then(([code, signal]) => ({
    stdout,
    stderr,
    exitCode: code ?? 128 + (signalNumbers[signal] ?? 0),
  }));
  const pid = child.pid as number;
  return {
    ended,
    signal: (name) => process.kill(-pid, name),
    signalAlone: (name) => process.kill(pid, name),
    async shows(text) {
      while (!stderr.includes(text)) {
        const more = await Promise.race([once(child.stderr as never, 'data'), ended]);
        if (!Array.isArray(more) && !stderr.includes(text))
          throw new Error(`boshvirt ended without showing '${text}':\n${stderr}`);
      }
    },
  };
}
