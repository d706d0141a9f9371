import { appendFile } from 'node:fs/promises';
import { ToolError } from '../platform/errors.ts';
import { redactor } from '../platform/log.ts';
import { run } from '../platform/process.ts';
import type { JsonValue } from './engine.ts';

/** The CPI's own error: `type` as on the wire (`Bosh::Clouds::VMNotFound`). */
export class CpiCallError extends ToolError {
  override name = 'CpiCallError';
  readonly type: string;
  readonly okToRetry: boolean;

  constructor(method: string, error: { type: string; message: string; ok_to_retry: boolean }) {
    super('CPI', `The CPI refused ${method}: ${error.message}`);
    this.type = error.type;
    this.okToRetry = error.ok_to_retry;
  }
}

export interface CpiClientOptions {
  /** The argv that starts the CPI. */
  readonly command: readonly string[];
  readonly directorUuid: string;
  readonly stemcellApiVersion: number;
  /** What the CPI says on stderr is appended here. */
  readonly logPath: string;
  /** Values that must not reach the log. */
  readonly secrets: readonly string[];
  readonly signal: AbortSignal;
}

const timeoutMs = 30 * 60_000;
const apiVersion = 2;

/** Calls a CPI as bosh does: one process per call, the request on stdin, one JSON line on stdout (contract 1.1). */
export class CpiClient {
  readonly #options: CpiClientOptions;
  readonly #hide: (text: string) => string;

  constructor(options: CpiClientOptions) {
    this.#options = options;
    this.#hide = redactor(options.secrets);
  }

  /** Throws a CpiCallError for the CPI's own errors, a ToolError for anything that is no answer. */
  async call(method: string, args: readonly JsonValue[]): Promise<JsonValue> {
    const { command, directorUuid, stemcellApiVersion, signal } = this.#options;
    const context = { director_uuid: directorUuid, vm: { stemcell: { api_version: stemcellApiVersion } } };
    const input = JSON.stringify({ method, arguments: args, context, api_version: apiVersion });
    const started = performance.now();
    const { stdout, stderr } = await run(command as [string, ...string[]], {
      input,
      timeoutMs,
      signal,
      failure: 'CPI',
    });
    const response = responseIn(stdout, method);
    await this.#note(method, started, stderr, response.error?.message);
    if (response.error) throw new CpiCallError(method, response.error);
    return response.result;
  }

  async #note(method: string, started: number, stderr: string, failure: string | undefined): Promise<void> {
    const outcome = failure === undefined ? 'ok' : `failed: ${failure}`;
    const line = `${new Date().toISOString()} cpi ${method} (${Math.round(performance.now() - started)} ms): ${outcome}\n`;
    await appendFile(this.#options.logPath, this.#hide(`${stderr}${line}`), { mode: 0o600 });
  }
}

interface CpiAnswer {
  readonly result: JsonValue;
  readonly error: { type: string; message: string; ok_to_retry: boolean } | null;
}

function responseIn(stdout: string, method: string): CpiAnswer {
  try {
    const answer = JSON.parse(stdout) as CpiAnswer;
    if (typeof answer === 'object' && answer !== null && 'result' in answer) return answer;
  } catch {
    // told below, with what came
  }
  throw new ToolError(
    'CPI',
    `The CPI did not answer ${method} with one JSON value but with: ${stdout.slice(0, 300)}`,
  );
}
