import { open, readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { SettingsSource } from './agent-options.ts';
import type { Log } from './log.ts';
import type { Places } from './places.ts';
import type { RunProgram } from './programs.ts';
import { parseSettings, type Settings } from './settings.ts';
import { messageOf, readText, waitFor, writeDurably } from './small-files.ts';

const sourceTimeoutMs = 5_000;

/**
 * The machine's settings, of the first source that has some; if none has, those that were kept at an earlier start. Keeps
 * what it found (mode 0600: the settings hold keys).
 */
export async function loadSettings(
  sources: readonly SettingsSource[],
  places: Places,
  run: RunProgram,
  log: Log,
  timeoutMs = sourceTimeoutMs,
): Promise<Settings> {
  const kept = join(places.vcap, 'bosh', 'settings.json');
  const found = await waitFor(() => fromSources(sources, places, run, log), timeoutMs);
  if (found === undefined) {
    const text = await readText(kept);
    const looked = sources.map(describe).join(', ');
    if (!text) throw new Error(`no settings, looked for ${looked}`);
    log(`no settings (${looked}), using ${kept} of an earlier start`);
    return parseSettings(text);
  }
  const settings = parseSettings(found);
  if ((await readText(kept)) !== found) await writeDurably(kept, found, 0o600);
  return settings;
}

async function fromSources(
  sources: readonly SettingsSource[],
  places: Places,
  run: RunProgram,
  log: Log,
): Promise<string | undefined> {
  for (const source of sources) {
    const text =
      source.Type === 'File'
        ? await readText(source.SettingsPath)
        : await fromDrives(source, places, run, log);
    if (text) return text;
  }
  return undefined;
}

type DriveSource = Exclude<SettingsSource, { Type: 'File' }>;

/** There is no udev here, so a path like /dev/disk/by-label/config-2 is read as the label in it. */
async function fromDrives(
  source: DriveSource,
  places: Places,
  run: RunProgram,
  log: Log,
): Promise<string | undefined> {
  const labels = source.Type === 'ConfigDrive' ? source.DiskPaths.map((path) => basename(path)) : undefined;
  const path = source.Type === 'ConfigDrive' ? source.UserDataPath : source.FileName;
  for (const { device, label } of await isoVolumes(places)) {
    if (labels && !labels.includes(label)) continue;
    try {
      const text = await readFromDrive(device, path, places, run);
      if (text) return text;
    } catch (error) {
      log(`settings drive ${device}: ${messageOf(error)}`);
    }
  }
  return undefined;
}

function describe(source: SettingsSource): string {
  switch (source.Type) {
    case 'File':
      return `the file ${source.SettingsPath}`;
    case 'ConfigDrive':
      return `a drive ${source.DiskPaths.join(' or ')}`;
    case 'CDROM':
      return `a CD with the file ${source.FileName}`;
  }
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

/** The block devices that hold an ISO 9660 volume. */
export async function isoVolumes({ sys, dev }: Places): Promise<{ device: string; label: string }[]> {
  const names = (await readdir(join(sys, 'block'))).filter((name) => /^(sr|vd|sd|xvd)/.test(name)).sort();
  const volumes: { device: string; label: string }[] = [];
  for (const name of names) {
    const device = join(dev, name);
    const label = await isoLabel(device);
    if (label !== undefined) volumes.push({ device, label });
  }
  return volumes;
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
