/**
 * A process that fetches: `node fetch-program.ts CACHE-DIR URL`. It says on stderr what happens and on stdout the SHA-256 of
 * what it got.
 */
import { fetchArtifacts } from '../../../src/downloads/index.ts';
import { silentLog } from '../../../src/platform/log.ts';

const [, , cacheDir = '', url = ''] = process.argv;
const [fetched] = await fetchArtifacts([{ name: 'release one/1', urls: [url] }], {
  cacheDir,
  offline: false,
  log: silentLog,
  signal: new AbortController().signal,
  onProgress: (line) => process.stderr.write(`${line}\n`),
});
process.stdout.write(fetched?.sha256 ?? '');
