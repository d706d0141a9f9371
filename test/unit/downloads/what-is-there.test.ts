import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { whatIsThere } from '../../../src/downloads/index.ts';
import { content, serves } from '../../support/faulty-server.ts';
import { fetchScene } from './fetch-scene.ts';

test('where each artifact is, with its size, is told without the network', async () => {
  await using scene = await fetchScene();
  const cached = content(1000);
  const url = scene.server.on('/one', serves(cached));
  await scene.fetch({ name: 'one', urls: [url] });
  const file = join(scene.cacheDir, 'own.tgz');
  await writeFile(file, 'own');
  const asked = scene.server.requests.length;
  const found = await whatIsThere(
    [
      { name: 'one', urls: ['http://somebody:secret@elsewhere.test/one'], sha1: cached.sha1 },
      { name: 'own', urls: [`file://${file}`] },
      { name: 'lost', urls: [`file://${file}.lost`] },
      { name: 'new', urls: ['http://elsewhere.test/new'], sha256: '0'.repeat(64), bytes: 7 },
    ],
    scene.cacheDir,
  );
  expect(found).toEqual([
    { name: 'one', url: 'http://elsewhere.test/one', place: 'in the cache', bytes: 1000 },
    { name: 'own', url: `file://${file}`, place: 'on this machine', bytes: 3 },
    { name: 'lost', url: `file://${file}.lost`, place: 'to be fetched', bytes: undefined },
    { name: 'new', url: 'http://elsewhere.test/new', place: 'to be fetched', bytes: 7 },
  ]);
  expect(scene.server.requests.length).toBe(asked);
});
