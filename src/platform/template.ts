import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BugError } from './errors.ts';
import { packageRoot } from './package-root.ts';

/** Text for a hole, or markup that another template made and that goes in as it is. */
export type Hole = string | number | { readonly markup: string };

/** Marks text as finished markup, so that it is not escaped again. */
export function markup(parts: readonly string[] | string): { readonly markup: string } {
  return { markup: typeof parts === 'string' ? parts : parts.join('') };
}

/**
 * Fills the template `templates/<name>`: `{{hole}}` becomes its value, escaped for XML.
 * A hole without a value and a value without a hole are bugs, not blanks.
 */
export function fillTemplate(name: string, holes: Readonly<Record<string, Hole>>): string {
  const unused = new Set(Object.keys(holes));
  const text = readFileSync(join(packageRoot(), 'templates', name), 'utf8');
  const filled = text.replaceAll(/\{\{(\w+)\}\}/g, (_, hole: string) => {
    const value = holes[hole];
    if (value === undefined) throw new BugError(`template ${name} has a hole {{${hole}}} that nothing fills`);
    unused.delete(hole);
    return typeof value === 'object' ? value.markup : escapeXml(String(value));
  });
  if (unused.size > 0) throw new BugError(`template ${name} has no hole for ${[...unused].join(', ')}`);
  return filled;
}

/** What no XML 1.0 document may hold, not even escaped: most control characters, halves of surrogate pairs. */
const impossible = /[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu;

/** Escapes text for element content and for quoted attributes; what XML cannot hold becomes U+FFFD. */
export function escapeXml(text: string): string {
  return text
    .replaceAll(impossible, '\uFFFD')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&apos;');
}
