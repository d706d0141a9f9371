import { UserError } from '../../platform/errors.ts';
import { run, which } from '../../platform/process.ts';
import { guestPlace } from '../guest-place.ts';
import type { Caller } from '../steps/step.ts';
import { addressOf } from './api-answer.ts';
import { cfCredentials } from './cf-credentials.ts';
import type { LiteRecord } from './require-lite.ts';

const timeoutMs = 120_000;

/**
 * Logs the cf CLI of this machine in, as the administrator; the password goes through its environment. The router's
 * certificate is signed by an authority of the deployment's own, which the cf CLI cannot be told of: it is not looked at.
 */
export async function cfLogin(
  environment: string,
  { signal, tell }: Pick<Caller, 'signal' | 'tell'>,
): Promise<{ api: string; username: string }> {
  const { record, api, username, password } = await cfCredentials(environment, { signal });
  const program = await which('cf');
  if (program === undefined) {
    throw new UserError('PREFLIGHT', 'The cf CLI was not found on PATH', {
      hints: [
        'install it: https://docs.cloudfoundry.org/cf-cli/install-go-cli.html',
        `boshvirt cf env ${environment} prints what other clients need`,
      ],
    });
  }
  const place = await guestPlace(record);
  await refuseUnknownName(api, record, place, signal);
  const cf = async (words: readonly string[], env: Record<string, string> = {}) => {
    const [first = program, ...rest] = [...place, program, ...words];
    const onLine = (line: string) => tell(line.replaceAll(password, '<redacted>'));
    await run([first, ...rest], { env, signal, timeoutMs, failure: 'DIRECTOR', onLine });
  };
  await cf(['api', api, '--skip-ssl-validation']);
  await cf(['auth'], { CF_USERNAME: username, CF_PASSWORD: password });
  return { api, username };
}

/** The cf CLI would say no more than `no such host`. */
async function refuseUnknownName(
  api: string,
  { name, workload }: LiteRecord,
  place: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const { hostname } = new URL(api);
  if ((await addressOf(hostname, place, signal)) !== undefined) return;
  throw new UserError('PREFLIGHT', `This machine does not know the name ${hostname}`, {
    hints: [
      `it has to lead to ${workload.router}, as docs/networks.md tells`,
      `or deploy under a domain that others know: boshvirt cf up ${name} --system-domain ${workload.router}.sslip.io`,
    ],
  });
}
