import type { JsonValue } from '../../src/cpi/backend.ts';
import type { AgentConfig } from '../../src/cpi/config.ts';
import { dispatch } from '../../src/cpi/dispatch.ts';
import type { CpiResponse } from '../../src/cpi/wire.ts';
import { lineLog } from '../../src/platform/log.ts';
import { type MemoryHost, memoryModule, openMemory } from './memory-backend.ts';

const agent: AgentConfig = {
  mbus: 'https://mbus:mbus-pw@0.0.0.0:6868',
  blobstore: null,
  ntp: ['ntp.example'],
};

/** Calls the CPI as bosh does, one text in and one answer out, on a host in memory. Each call is a process of its own. */
export class MemoryCpi {
  readonly host: MemoryHost;
  /** What the calls wrote to their log. */
  log = '';
  /** Who asks in `request`, `call` and `failure`. */
  director = 'd-1';

  constructor(host: MemoryHost) {
    this.host = host;
  }

  async respond(requestText: string): Promise<CpiResponse> {
    const log = lineLog((line) => {
      this.log += line;
    });
    let backend: ReturnType<typeof openMemory> | undefined;
    const openBackend = async () => {
      backend ??= openMemory(this.host);
      return backend;
    };
    try {
      return await dispatch(requestText, { traits: memoryModule(this.host).traits, agent, log, openBackend });
    } finally {
      await backend?.[Symbol.asyncDispose]();
    }
  }

  /** The whole answer to one call. */
  async request(method: string, args: readonly unknown[], apiVersion = 2): Promise<CpiResponse> {
    const context = { director_uuid: this.director, request_id: 'cpi-123456' };
    return await this.respond(JSON.stringify({ method, arguments: args, context, api_version: apiVersion }));
  }

  /** The result of a call that works. Throws if it does not. */
  async call(method: string, ...args: readonly unknown[]): Promise<JsonValue> {
    const { result, error } = await this.request(method, args);
    if (error) throw new Error(`${method}: ${error.type}: ${error.message}`);
    return result;
  }

  /** The error of a call that is to fail, without its prefix. Throws if it works. */
  async failure(method: string, ...args: readonly unknown[]) {
    const { result, error } = await this.request(method, args);
    if (!error) throw new Error(`${method} was to fail and gave ${JSON.stringify(result)}`);
    return { ...error, type: error.type.replace('Bosh::Clouds::', '') };
  }
}
