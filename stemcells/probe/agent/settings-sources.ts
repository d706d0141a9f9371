import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Log } from './log.ts';
import type { Places } from './places.ts';
import type { RunProgram } from './programs.ts';
import { parseSettings, type Settings } from './settings.ts';
import { messageOf, readText, waitFor, writeDurably } from './small-files.ts';

/** What a drive with settings may be called (contract 2.2). */
const driveLabels = ['config-2', 'CONFIG-2'];
const driveTimeoutMs = 5_000;

/**
 * The machine's settings: of the file that a CPI laid into the image, of a config drive or of a CD with the file `env`; if
 * there is none, those that were kept at an earlier start. Keeps what it found (mode 0600: the settings hold keys).
 */
export async function loadSettings(
  places: Places,
  run: RunProgram,
  log: Log,
  timeoutMs = driveTimeoutMs,
): Promise<Settings> {
  const kept = join(places.vcap, 'bosh', 'settings.json');
  const found = await waitFor(() => fromSources(places, run, log), timeoutMs);
  if (found === undefined) {
    const text = await readText(kept);
    if (!text)
      throw new Error(
        'no settings: neither a file, nor a drive labelled config-2, nor a CD with the file env',
      );
    log(`no settings drive, using ${kept} of an earlier start`);
    return parseSettings(text);
  }
  const settings = parseSettings(found);
  if ((await readText(kept)) !== found) await writeDurably(kept, found, 0o600);
  return settings;
}

async function fromSources(places: Places, run: RunProgram, log: Log): Promise<string | undefined> {
  const file = await readText(join(places.vcap, 'bosh', 'agent-bootstrap-env.json'));
  if (file) return file;
  for (const { device, label } of await isoVolumes(places)) {
    const path = driveLabels.includes(label) ? 'ec2/latest/user-data' : 'env';
    try {
      const text = await readFromDrive(device, path, places, run);
      if (text) return text;
    } catch (error) {
      log(`settings drive ${device}: ${messageOf(error)}`);
    }
  }
  return undefined;
}

async function readFromDrive(
  device: string,
  path: string,
  places: Places,
  run: RunProgram,
): Promise<string | undefined> {
  await run(['mount', '-t', 'iso9660', '-o', 'ro', device, places.mount]);
  try {
    return await readText(join(places.mount, path));
  } finally {
    await run(['umount', places.mount]);
  }
}

/** The block devices that hold an ISO 9660 volume, config drives first. */
export async function isoVolumes({ sys, dev }: Places): Promise<{ device: string; label: string }[]> {
  const names = (await readdir(join(sys, 'block'))).filter((name) => /^(sr|vd|sd|xvd)/.test(name)).sort();
  const volumes: { device: string; label: string }[] = [];
  for (const name of names) {
    const device = join(dev, name);
    const label = await isoLabel(device);
    if (label !== undefined) volumes.push({ device, label });
  }
  return volumes.sort(
    (a, b) => Number(driveLabels.includes(b.label)) - Number(driveLabels.includes(a.label)),
  );
}

/** The label in a primary volume descriptor (ECMA-119, 8.4), or undefined where there is none or no medium. */
async function isoLabel(device: string): Promise<string | undefined> {
  const descriptor = Buffer.alloc(2048);
  try {
    await using file = await open(device, 'r');
    await file.read(descriptor, 0, descriptor.length, 16 * 2048);
  } catch {
    return undefined; // an empty drive cannot be opened
  }
  if (descriptor.toString('latin1', 0, 7) !== '\x01CD001\x01') return undefined;
  return descriptor.toString('latin1', 40, 72).trimEnd();
}
