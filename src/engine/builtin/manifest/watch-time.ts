import { isMap, type NodeMap } from '../../template/index.ts';
import type { ManifestReader } from './reader.ts';

/** How long jobs may take until they run: looked at from `startMs` on, given up at `endMs`. */
export interface WatchTime {
  readonly startMs: number;
  readonly endMs: number;
}

/** `update.update_watch_time`, written `START-END` in milliseconds; bosh's default where the manifest has none. */
export function watchTimeOf(reader: ManifestReader, manifest: NodeMap): WatchTime {
  const update = manifest.update ?? {};
  const text = isMap(update) ? update.update_watch_time : undefined;
  if (text === undefined || text === null) return { startMs: 0, endMs: 300_000 };
  const [, start, end] = /^\s*(\d+)\s*-\s*(\d+)\s*$/.exec(String(text)) ?? [];
  const time = { startMs: Number(start), endMs: Number(end) };
  if (time.endMs >= time.startMs) return time;
  reader.problem('update/update_watch_time', `a range like 1000-300000 is expected, it is ${String(text)}`);
  return { startMs: 0, endMs: 0 };
}
