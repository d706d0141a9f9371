import { type Check, ok, type Verdict, warn } from '../../../platform/finding.ts';
import { run, which } from '../../../platform/process.ts';
import { installCommand } from '../install.ts';

async function lookAtBosh(): Promise<Verdict> {
  const bosh = await which('bosh');
  if (!bosh) return ok('not installed: boshvirt up fetches it for a director');
  const { stdout } = await run([bosh, '--version'], { timeoutMs: 10_000, okExitCodes: [1] });
  return ok(`${bosh}: ${stdout.trim().split('\n')[0] ?? ''}`);
}

async function lookAtRuby(): Promise<Verdict> {
  const ruby = await which('ruby');
  return ruby ? ok(ruby) : warn('not installed: a director cannot be made', installCommand(['ruby']));
}

async function lookAtSsh(): Promise<Verdict> {
  const ssh = await which('ssh');
  return ssh ? ok(ssh) : warn('not installed', installCommand(['openssh-client']));
}

export const programChecks: readonly Check[] = [
  { id: 'bosh.cli', title: 'bosh CLI', why: 'it makes directors, and talks to them', look: lookAtBosh },
  { id: 'ruby', title: 'Ruby', why: 'bosh renders the templates of jobs with it', look: lookAtRuby },
  { id: 'ssh.client', title: 'SSH', why: 'boshvirt ssh runs it, and so do URIs with +ssh', look: lookAtSsh },
  {
    id: 'node.version',
    title: 'Node',
    why: 'boshvirt runs on Node 24 or newer',
    look: async () => ok(process.version),
  },
];
