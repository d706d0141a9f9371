import { messageChain } from '../platform/errors.ts';
import { type Log, lineLog } from '../platform/log.ts';
import type { Backend, BackendModule } from './backend.ts';
import { backendModule } from './backends/registry.ts';
import { forHostItself, hostWanted, readCpiConfig, readServedHost } from './config.ts';
import { dispatch } from './dispatch.ts';
import { CloudError } from './errors.ts';
import { secretsIn } from './secrets.ts';
import { type CpiResponse, failure } from './wire.ts';

export interface CpiStreams {
  readonly input: AsyncIterable<Uint8Array>;
  writeOutput(text: string): void;
  writeLog(text: string): void;
}

/**
 * Answers one CPI request: stdin to stdout, log on stderr. Always writes exactly one JSON line and ends normally, since the
 * bosh CLI drops the answer of a CPI with a non-zero exit status (contract 1.1).
 */
export async function runCpi(
  argv: readonly string[],
  streams: CpiStreams,
  findBackend: (name: string) => Promise<BackendModule> = backendModule,
): Promise<void> {
  const response = await answer(argv, streams, findBackend).catch(internalFailure);
  streams.writeOutput(`${JSON.stringify(response)}\n`);
}

async function answer(
  argv: readonly string[],
  streams: CpiStreams,
  findBackend: (name: string) => Promise<BackendModule>,
): Promise<CpiResponse> {
  const request = await readAll(streams.input);
  const [path, host] = [configPathIn(argv), hostWanted(request)];
  const elsewhere = host === undefined ? undefined : readServedHost(path, host);
  if (elsewhere) {
    const { askElsewhere } = await import('./elsewhere.ts'); // HTTPS is heavy
    return await askElsewhere(forHostItself(request), { ...elsewhere, writeLog: streams.writeLog });
  }
  const config = await readCpiConfig(path, host);
  const log = lineLog(streams.writeLog, secretsIn(request, config));
  const module = await findBackend(config.backend);
  const { uri = `${module.drivers[0]}:///system` } = config;
  await using backend = lazily(() => module.open({ ...config, uri }, log), log);
  return await dispatch(request, {
    traits: module.traits,
    agent: config.agent,
    log,
    openBackend: backend.get,
  });
}

function configPathIn(argv: readonly string[]): string | undefined {
  const words = argv.flatMap((word) => (word.startsWith('--config=') ? word.split(/=(.*)/s, 2) : word));
  const [option, path, ...surplus] = words;
  if (option === undefined) return undefined;
  if (option === '--config' && path !== undefined && surplus.length === 0) return path;
  throw new CloudError(
    'CpiError',
    `boshvirt cpi was started with '${argv.join(' ')}'; usage: boshvirt cpi [--config FILE] < request.json`,
  );
}

/**
 * Opens once, at first use, and disposes only of what was opened. By then the answer stands: an error in closing must not
 * take its place, or bosh would not know of the VM that it has.
 */
function lazily(open: () => Promise<Backend>, log: Log): AsyncDisposable & { get: () => Promise<Backend> } {
  let opened: Promise<Backend> | undefined;
  return {
    get() {
      opened ??= open();
      return opened;
    },
    async [Symbol.asyncDispose]() {
      const backend = await opened?.catch(() => undefined); // a failed open was reported by whoever asked for it
      try {
        await backend?.[Symbol.asyncDispose]();
      } catch (error) {
        log.warn(`closing the connection to the hypervisor: ${messageChain(error)}`);
      }
    },
  };
}

async function readAll(input: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of input) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}

function internalFailure(error: unknown): CpiResponse {
  if (error instanceof CloudError) return failure(error);
  return failure(new CloudError('CloudError', messageChain(error), { cause: error }));
}
