import { BoshvirtError, messageChain } from '../platform/errors.ts';
import type { Log } from '../platform/log.ts';
import type { Backend, Traits } from './backend.ts';
import type { AgentConfig } from './config.ts';
import { CloudError } from './errors.ts';
import { type Method, methods, notImplemented } from './methods/index.ts';
import { type CpiResponse, failure, parseArguments, parseRequest, success } from './wire.ts';

export interface DispatchDeps {
  readonly traits: Traits;
  readonly agent: AgentConfig;
  readonly log: Log;
  /** Called only by methods that need the hypervisor. */
  openBackend(): Promise<Backend>;
}

/** One request to one response. Never throws and never prints: whatever goes wrong becomes a CPI error (contract 8.1, 1). */
export async function dispatch(requestText: string, deps: DispatchDeps): Promise<CpiResponse> {
  const started = process.uptime(); // `performance` would load a module for it
  let name = 'unreadable request';
  try {
    const request = parseRequest(requestText);
    name = request.method;
    const method = methodNamed(name);
    const args = parseArguments(name, method.args, method.optional ?? 0, request.arguments);
    const result = await method.run({ ...deps, request }, args);
    deps.log.info(`${name}: done in ${Math.round((process.uptime() - started) * 1000)} ms`);
    return success(result);
  } catch (thrown) {
    const error = toCloudError(name, thrown);
    deps.log.warn(`${name}: ${error.type}: ${messageChain(error)}`);
    if (thrown instanceof Error && !(thrown instanceof BoshvirtError)) deps.log.debug(thrown.stack ?? '');
    return failure(error);
  }
}

function methodNamed(name: string): Method {
  const method = Object.hasOwn(methods, name) ? methods[name as keyof typeof methods] : undefined;
  if (method) return method as Method;
  throw notImplemented(name);
}

function toCloudError(method: string, thrown: unknown): CloudError {
  if (thrown instanceof CloudError) return thrown;
  const hints = thrown instanceof BoshvirtError ? thrown.hints : [];
  return new CloudError('CloudError', `${method}: ${messageChain(thrown)}`, { cause: thrown, hints });
}
