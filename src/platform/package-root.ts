import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { BugError } from './errors.ts';

/** The folder of the installed package: holds templates/, manifests/, ops-files/ both for src/ and for the bundle in dist/. */
export function packageRoot(): string {
  for (let folder = import.meta.dirname; folder !== dirname(folder); folder = dirname(folder)) {
    if (existsSync(join(folder, 'templates')) && existsSync(join(folder, 'package.json'))) return folder;
  }
  throw new BugError(`the package's folder was not found above ${import.meta.dirname}`);
}
