import type { Caller } from '../steps/step.ts';
import { cfCredentials } from './cf-credentials.ts';

export const cfVariables = ['CF_API', 'CF_USERNAME', 'CF_PASSWORD'] as const;

/** Variables of a shell that works with the Cloud Foundry in an environment; a password is among them. */
export async function cfEnvironment(
  environment: string,
  caller: Pick<Caller, 'signal'>,
): Promise<Record<(typeof cfVariables)[number], string>> {
  const { api, username, password } = await cfCredentials(environment, caller);
  return { CF_API: api, CF_USERNAME: username, CF_PASSWORD: password };
}
