import { ok, type Verdict, warn } from './finding.ts';
import { run, which } from './process.ts';

/** Compares what the first of `programs` that is there says of itself with the oldest version that boshvirt is tested with. */
export async function lookAtVersion(programs: readonly string[], tested: string): Promise<Verdict> {
  for (const name of programs) {
    const path = await which(name);
    if (path === undefined) continue;
    const { stdout } = await run([path, '--version'], { timeoutMs: 10_000 });
    return judgeVersion(stdout, tested);
  }
  return warn('not installed', 'boshvirt doctor --fix');
}

/** Judges a program's answer to --version. */
export function judgeVersion(answer: string, tested: string): Verdict {
  const version = /\d+(?:\.\d+)+/.exec(answer)?.[0];
  if (version === undefined) return warn(`it says: ${answer.trim()}`, 'reinstall it');
  if (compareVersions(version, tested) >= 0) return ok(version);
  return warn(`${version}, older than ${tested}`, 'use a newer release of this distribution');
}

/** Negative if `a` is older than `b`, 0 if they agree in the parts that both have. */
function compareVersions(a: string, b: string): number {
  const [left, right] = [a, b].map((version) => version.split('.').map(Number)) as [number[], number[]];
  const at = left.findIndex((part, index) => index < right.length && part !== right[index]);
  return at < 0 ? 0 : (left[at] as number) - (right[at] as number);
}
