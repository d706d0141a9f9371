/** What the documents say to type is there to be typed, and what they lead to is there to be read. */
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';

const root = join(import.meta.dirname, '../..');
const documents = ['README.md', 'ARCHITECTURE.md', ...globSync('docs/**/*.md', { cwd: root })].sort();
const commandFiles = new Set(globSync('src/commands/**/*.ts', { cwd: root }));
const topics = new Set([...commandFiles].map((path) => path.split('/').at(-2)));

/** What oclif gives to commands beside their own. */
const common = ['help', 'json'];

/** `boshvirt snapshot create -n first` as its words; what comes after `--`, `|`, `;`, `&&` or a comment is not boshvirt's. */
function* commandLines(text: string): Generator<string[]> {
  for (const [, line = ''] of text.matchAll(/(?<![\w/.-])(?:\.\/bin\/)?boshvirt ([a-z][^`\n]*)/g)) {
    const [own = ''] = line.split(/ -- | --$|[|;#)"(]|&&| {2}/);
    yield own.trim().split(/\s+/);
  }
}

/** Code spans and code blocks alone: prose has the word too. */
const codeIn = (markdown: string): string =>
  [...markdown.matchAll(/```[a-z]*\n(.*?)```|`([^`\n]+)`/gs)]
    .map(([, block, span]) => block ?? span)
    .join('\n');

function commandOf(words: readonly string[]): string | undefined {
  const [first = '', second = ''] = words.map((word) => word.replace(/[,.:]$/, ''));
  return [`src/commands/${first}/${second}.ts`, `src/commands/${first}.ts`].find((path) =>
    commandFiles.has(path),
  );
}

describe.each(documents)('%s', (path) => {
  const text = readFileSync(join(root, path), 'utf8');

  test('has commands and flags that there are', async () => {
    for (const words of commandLines(codeIn(text))) {
      if (words[0] === 'cpi' && words[1] !== 'verify' && words[1] !== 'serve') continue; // bosh types that
      if (words.length === 1 && topics.has(words[0] ?? '')) continue;
      const file = commandOf(words);
      expect(file, `boshvirt ${words.join(' ')}`).toBeDefined();
      const { default: command } = await import(join(root, file ?? ''));
      const known = new Set([...common, ...Object.keys({ ...command.baseFlags, ...command.flags })]);
      const flags = words.flatMap((word) => /^--([a-z][a-z-]*)/.exec(word)?.[1] ?? []);
      for (const flag of flags) expect(known, `boshvirt ${words.join(' ')}`).toContain(flag);
    }
  });

  test('leads to files that there are', () => {
    const links = [...text.matchAll(/\]\(([^)#:\s]+)(?:#[^)]*)?\)/g)].map(([, link = '']) => link);
    const lost = links.filter((link) => !existsSync(join(root, dirname(path), link)));
    expect(lost).toEqual([]);
  });
});
