import { expect, test } from 'vitest';
import { selectClauses } from '../../../src/verify/select.ts';
import { sequences } from '../../../src/verify/sequences/index.ts';

const all = sequences.flatMap(({ clauses }) => clauses);

test('no word chooses all', () => {
  expect(selectClauses(sequences, []).size).toBe(all.length);
});

test('a clause brings what it stands on, all the way down', () => {
  expect([...selectClauses(sequences, ['create-env.mount'])].sort()).toEqual([
    'create-env.agent',
    'create-env.create-vm',
    'create-env.disk',
    'create-env.mount',
  ]);
});

test('a group and a sequence are words, too', () => {
  expect(selectClauses(sequences, ['stemcells']).size).toBe(7);
  const chosen = selectClauses(sequences, ['director', 'leaves-nothing']);
  expect(chosen).toContain('snapshots.take');
  expect(chosen).toContain('leaves-nothing.storage');
  expect(chosen).not.toContain('calls.info');
});

test('another word is refused with a guess', () => {
  expect(() => selectClauses(sequences, ['snapshot'])).toThrow(
    expect.objectContaining({
      message: "There is no clause and no group 'snapshot'",
      hints: ['did you mean snapshots?', 'boshvirt cpi verify --list lists them'],
    }),
  );
});

test('ids are unique, and what a clause stands on comes before it in its sequence', () => {
  expect(new Set(all.map(({ id }) => id)).size).toBe(all.length);
  for (const { clauses } of sequences) {
    const before = new Set<string>();
    for (const { id, after = [] } of clauses) {
      expect(
        after.filter((each) => !before.has(each)),
        id,
      ).toEqual([]);
      before.add(id);
    }
  }
});
