import { UserError } from '../platform/errors.ts';

/**
 * `[ENV] WHAT` as typed: which document of which environment (undefined: the default one). The other order is understood as
 * well; where both words name a document, the last one is meant.
 */
export function renderTarget<What extends string>(
  words: readonly string[],
  documents: readonly What[],
): { what: What; environment: string | undefined } {
  const isDocument = (word: string | undefined): word is What =>
    word !== undefined && (documents as readonly string[]).includes(word);
  const [first, second, ...more] = words;
  if (more.length > 0) throw usage(`Unexpected argument: ${more.join(' ')}`, documents);
  const last = second ?? first;
  if (isDocument(last)) return { what: last, environment: second === undefined ? undefined : first };
  if (isDocument(first)) return { what: first, environment: second };
  throw usage(
    first === undefined ? 'Which document?' : `There is no document '${words.join(' ')}'`,
    documents,
  );
}

const usage = (message: string, documents: readonly string[]): UserError =>
  new UserError('USAGE', message, { hints: [`boshvirt render [ENV] ${documents.join('|')}`] });
