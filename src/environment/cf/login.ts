import { UserError } from '../../platform/errors.ts';
import { run, which } from '../../platform/process.ts';
import { roadTo } from '../session.ts';
import type { Caller } from '../steps/step.ts';
import { cfCredentials } from './cf-credentials.ts';

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
  const { commandPrefix } = await roadTo(record);
  const cf = async (words: readonly string[], env: Record<string, string> = {}) => {
    const [first = program, ...rest] = [...commandPrefix, program, ...words];
    const onLine = (line: string) => tell(line.replaceAll(password, '<redacted>'));
    await run([first, ...rest], { env, signal, timeoutMs, failure: 'DIRECTOR', onLine });
  };
  await cf(['api', api, '--skip-ssl-validation']);
  await cf(['auth'], { CF_USERNAME: username, CF_PASSWORD: password });
  return { api, username };
}
