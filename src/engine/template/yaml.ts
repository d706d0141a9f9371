import { parse, stringify, type Tags } from 'yaml';
import { messageOf, UserError } from '../../platform/errors.ts';

/** Manifests as data: maps are plain objects with text keys. */
export type Node = string | number | boolean | null | Node[] | NodeMap;
export interface NodeMap {
  [key: string]: Node;
}

export const isMap = (node: Node | undefined): node is NodeMap =>
  typeof node === 'object' && node !== null && !Array.isArray(node);

/**
 * Reads YAML as bosh does (YAML 1.1: `yes` is true, `<<` merges), but without dates and base-60 numbers, which Go's reader
 * leaves as text. `where` names the source in errors.
 */
export function readYaml(text: string, where: string): Node {
  try {
    return (parse(text, { version: '1.1', merge: true, customTags: withoutTimes, uniqueKeys: true }) ??
      null) as Node;
  } catch (error) {
    throw new UserError('USAGE', `${where} is not YAML: ${withoutSource(messageOf(error))}`);
  }
}

/** The parser's message goes on with the lines that it is about, in which there may be secrets. */
const withoutSource = (message: string): string => message.replace(/:?\n.*$/s, '');

const withoutTimes = (tags: Tags): Tags =>
  tags.filter(
    (tag) =>
      typeof tag === 'string' ||
      (tag.tag !== 'tag:yaml.org,2002:timestamp' && !('format' in tag && tag.format === 'TIME')),
  );

/** YAML that Go's YAML 1.1 reader takes for the same data. */
export function writeYaml(node: Node): string {
  return stringify(node, { version: '1.1', lineWidth: 0, aliasDuplicateObjects: false });
}

/** JSON that Go's YAML reader takes for the same data: it refuses some characters inside of texts, and folds some as newlines. */
export const writeJsonForYaml = (node: unknown): string =>
  JSON.stringify(node, null, 2).replace(
    /[\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
