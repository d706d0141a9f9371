import { messageOf } from '../../platform/errors.ts';
import type { EnvironmentRecord } from '../record.ts';
import { hasDirector } from './access.ts';
import { askDirector } from './ask-director.ts';

/** What is not as it should be with the director of a machine whose agent answers; undefined if all is, or there is none. */
export async function directorTrouble(
  record: EnvironmentRecord,
  signal: AbortSignal,
): Promise<{ state: 'unwell' | 'incomplete'; detail: string } | undefined> {
  if (!hasDirector(record)) return undefined;
  try {
    await askDirector(record, signal);
  } catch (error) {
    signal.throwIfAborted();
    return { state: 'unwell', detail: `the director does not answer: ${messageOf(error)}` };
  }
  if (record.directorInputs !== undefined) return undefined;
  return { state: 'incomplete', detail: 'up did not finish with the director; run it again' };
}
