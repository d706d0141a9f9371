/** Runs the engine as a process that can be killed: `run-engine.ts PLAN`. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { BuiltinEngine } from '../../../../src/engine/builtin/index.ts';
import type { DeploySource, EngineContext } from '../../../../src/engine/engine.ts';
import { silentLog } from '../../../../src/platform/log.ts';

interface Plan {
  readonly command: 'create-env' | 'delete-env';
  readonly source: DeploySource;
  readonly cpiCommand: string[];
  readonly workDir: string;
  readonly logPath: string;
  readonly port: number;
}

const plan = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as Plan;
const context: EngineContext = {
  log: silentLog,
  signal: new AbortController().signal,
  workDir: plan.workDir,
  logPath: plan.logPath,
  boshvirtCommand: plan.cpiCommand,
  road: {
    commandPrefix: [],
    async dial() {
      const socket = connect(plan.port, '127.0.0.1');
      await once(socket, 'connect');
      return socket;
    },
  },
  onProgress() {},
};
const engine = new BuiltinEngine();
if (plan.command === 'create-env') await engine.createEnv(plan.source, context);
else await engine.deleteEnv(plan.source, context);
