import { type Check, fail, ok } from '../../../platform/finding.ts';
import type { PackageNeed } from '../../../platform/package-need.ts';
import { commandLine } from '../../../platform/process.ts';
import { installCommand } from '../install.ts';
import { missingPackages } from '../packages.ts';

/** A look at packages that `boshvirt doctor --fix`, with these words after it, installs. */
export function packageCheck(
  facts: Pick<Check, 'id' | 'title' | 'why'>,
  needs: readonly PackageNeed[],
  words: readonly string[] = [],
): Check {
  const repair = commandLine(['boshvirt', 'doctor', '--fix', ...words]);
  return {
    ...facts,
    async look() {
      const missing = await missingPackages(needs);
      if (missing.length === 0) return ok('installed');
      return fail(`missing: ${missing.join(', ')}`, `${installCommand(missing)} (or ${repair})`);
    },
  };
}
