import type { BackendModule } from '../backend.ts';
import { CloudError } from '../errors.ts';

/** Every backend, one line each, the one to prefer first, loaded when it is asked for: the only file that names them. */
export const backends = {
  qemu: async () => (await import('./qemu/index.ts')).qemu,
  lxc: async () => (await import('./lxc/index.ts')).lxc,
} as const satisfies Record<string, () => Promise<BackendModule>>;

export type BackendName = keyof typeof backends;
export const backendNames = Object.keys(backends) as BackendName[];
/** What a configuration that names none means, and what `auto` tries first. */
export const [defaultBackend] = backendNames as [BackendName, ...BackendName[]];

/** Loads a backend by its name. Throws a CloudError that lists the known ones. */
export async function backendModule(name: string): Promise<BackendModule> {
  if (!Object.hasOwn(backends, name)) {
    throw new CloudError('CpiError', `There is no backend '${name}'; known: ${backendNames.join(', ')}`);
  }
  return await backends[name as BackendName]();
}
