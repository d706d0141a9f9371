import { isDeepStrictEqual } from 'node:util';
import { createTwoFilesPatch } from 'diff';
import type { EnvironmentRecord } from '../record.ts';

/** What becomes of the manifest that create-env works by. */
export interface ManifestChange {
  /** undefined: nothing is deployed by a manifest that was kept. */
  readonly deployed: string | undefined;
  /** undefined: bosh-deployment, which it is made of, is not there yet. */
  readonly planned: string | undefined;
  /** A unified diff; '' if both are the same or nothing is deployed. */
  readonly diff: string;
  /** Names of variables of the user's own that are new, gone, or have another value: values may be secrets. */
  readonly variables: readonly string[];
}

/** Pure. Both manifests have the user's own variables, and those that bosh generates, as ((names)). */
export function manifestChange(
  deployed: string | undefined,
  planned: string | undefined,
  before: EnvironmentRecord['vars'],
  after: EnvironmentRecord['vars'],
): ManifestChange {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
  return {
    deployed,
    planned,
    diff:
      deployed === planned || deployed === undefined || planned === undefined
        ? ''
        : unified(deployed, planned),
    variables: names.filter((name) => !isDeepStrictEqual(before[name], after[name])),
  };
}

/** Without the heading line that other tools write for a file's name. */
const unified = (deployed: string, planned: string): string =>
  createTwoFilesPatch('deployed', 'planned', deployed, planned, '', '').replace(/^=+\n/, '');
