import { ToolError, UserError } from '../platform/errors.ts';
import { shownAddress } from './address.ts';
import type { Artifact } from './artifact.ts';

const bundleHint =
  'a machine that has it can give it: boshvirt bundle create, then boshvirt bundle import here';

/** What came of one of an artifact's addresses. */
export interface Refusal {
  readonly address: string;
  readonly reason: string;
  /** It served another file. */
  readonly isWrong: boolean;
}

/** An artifact is not what somebody says that it is. */
export class ChecksumError extends UserError {
  override name = 'ChecksumError';
  readonly artifact: Artifact;

  constructor(artifact: Artifact, message: string, hints: readonly string[] = checksumHints) {
    super('CHECKSUM', message, { hints });
    this.artifact = artifact;
  }
}

const checksumHints = [
  'nothing of it was kept; if the file was replaced on purpose, change its checksum where it is written',
  'else something on the way changes it: try another network, or another mirror',
];

/** No address gave the artifact: one that served another file matters most. */
export function failureOf(artifact: Artifact, refusals: readonly Refusal[]): UserError | ToolError {
  const lines = refusals.map(({ address, reason }) => `${shownAddress(address)} ${reason}`);
  const all = lines.length === 1 ? ` ${lines[0]}` : `\n  ${lines.join('\n  ')}`;
  if (refusals.some(({ isWrong }) => isWrong)) {
    return new ChecksumError(artifact, `${artifact.name} is not what it should be:${all}`);
  }
  return new ToolError('DOWNLOAD', `${artifact.name} could not be fetched:${all}`, {
    hints: [
      'what has come so far is kept: the same command goes on from there',
      'behind a proxy, set HTTPS_PROXY, HTTP_PROXY and NO_PROXY; for its certificate NODE_EXTRA_CA_CERTS',
      bundleHint,
    ],
  });
}

/** All that is missing, at once. */
export function notCached(missing: readonly Artifact[]): UserError {
  const lines = missing.map(({ name, urls }) => `\n  ${name}: ${shownAddress(urls[0])}`);
  const count = missing.length === 1 ? 'One download is' : `${missing.length} downloads are`;
  return new UserError('OFFLINE', `${count} not in the cache, and nothing may be fetched:${lines.join('')}`, {
    hints: [bundleHint, 'or run the same command without --offline'],
  });
}
