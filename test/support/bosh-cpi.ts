import { join } from 'node:path';
import type { JsonValue } from '../../src/cpi/backend.ts';
import { packageRoot } from '../../src/platform/package-root.ts';
import { openPipe, run } from '../../src/platform/process.ts';

interface Answer {
  readonly result: JsonValue;
  readonly error: { readonly type: string; readonly message: string; readonly ok_to_retry: boolean } | null;
  readonly log: string;
}

/** The director's environment for a CPI (contract 1.1). */
const usualEnv = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' };

interface BoshCpiOptions {
  /** Instead of the director's environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** What the CPI is started by: its way into a network namespace. */
  readonly prefix?: readonly string[];
  /** The properties of an entry of the director's cpi-config. */
  readonly properties?: object;
}

/** Calls the CPI as bosh does: a process of `boshvirt cpi` for each call, one request in, one line out. */
export class BoshCpi {
  readonly #argv: [string, ...string[]];
  /** What all calls wrote to stderr. */
  log = '';

  readonly #options: BoshCpiOptions;

  constructor(configPath: string, options: BoshCpiOptions = {}) {
    this.#options = options;
    const [program = '', ...words] = [
      ...(options.prefix ?? []),
      join(packageRoot(), 'bin/boshvirt'),
      ...['cpi', '--config', configPath],
    ];
    this.#argv = [program, ...words];
  }

  async request(method: string, args: readonly unknown[], director = 'director-1'): Promise<Answer> {
    const { stdout, stderr } = await run(this.#argv, {
      input: requestText(method, args, director, this.#options.properties),
      env: this.#options.env ?? usualEnv,
      cleanEnv: true,
    });
    this.log += stderr;
    if (!/^\{.*\}\n$/.test(stdout)) throw new Error(`${method}: not one line: ${stdout}`);
    return JSON.parse(stdout) as Answer;
  }

  /** The result of a call that works. Throws if it does not. */
  async call(method: string, ...args: readonly unknown[]): Promise<JsonValue> {
    const { result, error } = await this.request(method, args);
    if (error) throw new Error(`${method}: ${error.type}: ${error.message}`);
    return result;
  }

  /** The error of a call that is to fail, its type without the prefix. Throws if it works. */
  async failure(method: string, ...args: readonly unknown[]) {
    const { result, error } = await this.request(method, args);
    if (!error) throw new Error(`${method} was to fail and gave ${JSON.stringify(result)}`);
    return {
      type: error.type.replace('Bosh::Clouds::', ''),
      message: error.message,
      retry: error.ok_to_retry,
    };
  }

  /** Starts a call for somebody who means to kill it. */
  start(method: string, ...args: readonly unknown[]): ReturnType<typeof openPipe> {
    const child = openPipe(this.#argv);
    child.stdin.end(requestText(method, args, 'director-1'));
    child.stdout.resume();
    child.stderr.resume();
    return child;
  }
}

function requestText(
  method: string,
  args: readonly unknown[],
  director: string,
  properties: object = {},
): string {
  const context = { director_uuid: director, request_id: 'cpi-123456', ...properties };
  return JSON.stringify({ method, arguments: args, context, api_version: 2 });
}
