import { mkdtempDisposable, readFile, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { StateFile } from '../../../src/engine/state-file.ts';

async function withFile(text: string | undefined, act: (path: string) => Promise<void>): Promise<void> {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'boshvirt-state-'));
  const path = join(folder.path, 'state.json');
  if (text !== undefined) await writeFile(path, text, { mode: 0o644 });
  await act(path);
}

test('a new state has its director at once, and only its owner may read it', async () => {
  await withFile(undefined, async (path) => {
    const { state } = await StateFile.open(path);
    expect(state.director_id).toMatch(/^[0-9a-f-]{36}$/);
    expect(JSON.parse(await readFile(path, 'utf8'))).toEqual(state);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect((await StateFile.open(path)).state.director_id).toBe(state.director_id);
  });
});

test('keys that we do not know stay, at every depth', async () => {
  const disk = { id: 'd', cid: 'disk-1', size: 1, cloud_properties: { type: 'raw' }, iops: 7 };
  const text = JSON.stringify({ director_id: 'd-1', future: [1], disks: [disk], stemcells: null });
  await withFile(text, async (path) => {
    const file = await StateFile.open(path);
    await file.change({ current_vm_cid: 'vm-1' });
    const after = JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>;
    expect(after).toMatchObject({ director_id: 'd-1', future: [1], disks: [disk], current_vm_cid: 'vm-1' });
  });
});

test('what is forgotten is current no longer', async () => {
  await withFile(undefined, async (path) => {
    const file = await StateFile.open(path);
    const disk = await file.addDisk({ cid: 'disk-1', size: 1, cloud_properties: {} });
    const stemcell = await file.addStemcell({ name: 'n', version: '1', api_version: 3, cid: 'stemcell-1' });
    await file.change({ current_disk_id: disk.id, current_stemcell_id: stemcell.id });
    expect([file.currentDisk, file.currentStemcell]).toEqual([disk, stemcell]);
    await file.forgetDisk(disk);
    await file.forgetStemcell(stemcell);
    const { state } = await StateFile.open(path);
    expect(state).toMatchObject({ disks: [], stemcells: [], current_disk_id: '', current_stemcell_id: '' });
  });
});

test.each([['{'], ['[]'], ['{"disks":[{"id":1}]}'], ['{"current_vm_cid":null}']])(
  'a damaged state is named: %s',
  async (text) => {
    await withFile(text, async (path) => {
      await expect(StateFile.open(path)).rejects.toMatchObject({
        code: 'STATE_DAMAGED',
        message: expect.stringContaining(path),
      });
      expect(await readFile(path, 'utf8')).toBe(text);
    });
  },
);
