import type { GuestRoad } from '../../engine/engine.ts';
import { ToolError, UserError } from '../../platform/errors.ts';
import type { DirectorAccess } from '../director/index.ts';
import { type Answer, askService, type Question, type Service } from './ask-service.ts';

/** What the director's CredHub keeps: values by names such as `/lite/cf/cf_admin_password`. */
export interface CredHub {
  /** Names that contain these letters. */
  find(letters: string): Promise<string[]>;
  /** The value that is current; undefined without one of that name. */
  value(name: string): Promise<unknown>;
}

/**
 * Logs in to the director's CredHub with its administrator's client, over HTTPS: no CLI of CredHub's is needed. Throws a
 * UserError for a director that has none, a ToolError DIRECTOR if UAA or CredHub refuse.
 */
export async function openCredHub(
  { credhub, uaa }: Pick<DirectorAccess, 'credhub' | 'uaa'>,
  way: { road: GuestRoad; signal: AbortSignal },
): Promise<CredHub> {
  if (!credhub || !uaa) {
    throw new UserError(
      'UNSUPPORTED',
      'The director has no CredHub, which keeps the passwords of Cloud Foundry',
      {
        hints: ['was it taken out by an ops-file of the environment?'],
      },
    );
  }
  const ask = async (service: Service, question: Question, okStatus: readonly number[]): Promise<Answer> => {
    const answer = await askService(service, question, way);
    if (okStatus.includes(answer.status)) return answer;
    const [path] = question.path.split('?');
    throw new ToolError(
      'DIRECTOR',
      `${service.url}${path} answered ${answer.status}: ${answer.text.slice(0, 200)}`,
    );
  };
  const login = Buffer.from(`${credhub.client}:${credhub.secret}`).toString('base64');
  const granted = await ask(
    uaa,
    {
      method: 'POST',
      path: '/oauth/token',
      headers: {
        authorization: `Basic ${login}`,
        'content-type': 'application/x-www-form-urlencoded',
        accept: 'application/json',
      },
      body: 'grant_type=client_credentials',
    },
    [200],
  );
  const { access_token: token } = JSON.parse(granted.text) as { access_token: string };
  const read = async (query: Record<string, string>) => {
    const path = `/api/v1/data?${new URLSearchParams(query)}`;
    const headers = { authorization: `Bearer ${token}`, accept: 'application/json' };
    const { status, text } = await ask(credhub, { method: 'GET', path, headers }, [200, 404]);
    return status === 404 ? undefined : (JSON.parse(text) as unknown);
  };
  return {
    async find(letters) {
      const found = (await read({ 'name-like': letters })) as { credentials: { name: string }[] } | undefined;
      return found?.credentials.map(({ name }) => name) ?? [];
    },
    async value(name) {
      const found = (await read({ name, current: 'true' })) as { data: { value: unknown }[] } | undefined;
      return found?.data[0]?.value;
    },
  };
}
