/** The agent of the probe stemcell: what init starts, and starts again if it ends. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type AgentWorld, actions } from './actions.ts';
import { createAgentServer, parseMbus } from './agent-server.ts';
import { boot } from './boot.ts';
import { guestLog, type Log } from './log.ts';
import { guestPlaces } from './places.ts';
import { runProgram } from './programs.ts';
import { selfSigned } from './self-signed.ts';
import { messageOf, readText } from './small-files.ts';

const restartPauseMs = 5_000;

async function main(): Promise<void> {
  const log = guestLog('/dev/console', '/var/vcap/bosh/log/current');
  try {
    listen(await boot(guestPlaces, runProgram, log), log);
  } catch (error) {
    log(`cannot start: ${messageOf(error)}; trying again in ${restartPauseMs / 1000} s`);
    await sleep(restartPauseMs);
    process.exitCode = 1;
  }
}

function listen(world: AgentWorld, log: Log): void {
  const mbus = parseMbus(world.settings.mbus);
  if (!mbus) {
    log(
      'mbus is no https:// URL: the machine is up, and nobody can speak to its agent (the probe agent knows no NATS)',
    );
    setInterval(() => {}, 3_600_000);
    return;
  }
  const server = createAgentServer(
    mbus,
    world.settings.tls ?? selfSigned(world.settings.agentId),
    actions,
    world,
  );
  server.on('error', (error) => {
    log(`cannot listen on ${mbus.host}:${mbus.port}: ${error.message}`);
    process.exit(1);
  });
  server.listen(mbus.port, mbus.host, async () => {
    log(`ready on ${mbus.host}:${mbus.port}, ${await secondsSinceInit()} s after the start of init`);
  });
}

/** The clock in /proc/uptime is the kernel's, which in a container ran before. */
async function secondsSinceInit(): Promise<string> {
  const [now = ''] = ((await readText('/proc/uptime')) ?? '').split(' ');
  const fields = ((await readText('/proc/1/stat')) ?? '').replace(/^.*\) /, '').split(' ');
  return (Number(now) - Number(fields[19]) / 100).toFixed(2); // in hundredths of a second (proc(5), starttime)
}

void main();
