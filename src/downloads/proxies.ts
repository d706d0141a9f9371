import { UserError } from '../platform/errors.ts';

/** What undici's proxy agent takes; what is not there it looks for in NO_PROXY and nowhere. */
export interface Proxies {
  readonly httpProxy?: string;
  readonly httpsProxy?: string;
}

/**
 * The proxies that the environment names, the variable in small letters first, as curl does. One without a scheme is an HTTP
 * proxy. Throws a UserError that names the variable if its value is no address.
 */
export function proxiesOf(env: NodeJS.ProcessEnv): Proxies {
  const http = proxyIn(env, ['http_proxy', 'HTTP_PROXY']);
  const https = proxyIn(env, ['https_proxy', 'HTTPS_PROXY']);
  return { ...(http && { httpProxy: http }), ...(https && { httpsProxy: https }) };
}

function proxyIn(env: NodeJS.ProcessEnv, variables: readonly string[]): string | undefined {
  const variable = variables.find((name) => env[name] !== undefined && env[name] !== '');
  const value = variable && env[variable];
  if (!variable || !value) return undefined;
  const address = value.includes('://') ? value : `http://${value}`;
  if (/^https?:\/\//i.test(address) && URL.canParse(address)) return address;
  throw new UserError('USAGE', `${variable} does not name a proxy that can be used`, {
    hints: ['it should look like http://proxy.example:3128'],
  });
}
