import type { BackendConfig, BackendModule } from '../cpi/backend.ts';
import { backendModule } from '../cpi/backends/registry.ts';
import { hasDriver, withoutDriver } from '../host/libvirt-service.ts';
import { allBackends, isOnThisMachine } from './choose-backend.ts';
import type { EnvironmentRecord } from './record.ts';
import { backendConfigOf } from './session.ts';

/** One backend, and what it works with. */
export interface Site {
  readonly module: BackendModule;
  readonly config: BackendConfig;
}

/**
 * The environment through each backend that can be on its libvirt, its own first: a director may have been given a second CPI
 * for the same pool and network, and no backend sees another one's VMs.
 */
export async function sitesOf(record: EnvironmentRecord, signal: AbortSignal): Promise<Site[]> {
  const own = { module: await backendModule(record.backend), config: backendConfigOf(record) };
  const place = withoutDriver(record.uri);
  const others = (await modulesAt(place, signal)).filter(({ name }) => name !== record.backend);
  return [own, ...others.map((module) => ({ module, config: { ...own.config, uri: uriAt(module, place) } }))];
}

/** The backends whose driver the libvirt at this place has; `place` is a URI without its driver. */
export async function modulesAt(place: string, signal: AbortSignal): Promise<BackendModule[]> {
  const possible = (await allBackends()).filter(({ remote }) => remote || isOnThisMachine(place));
  const there: BackendModule[] = [];
  for (const module of possible) if (await hasDriver(uriAt(module, place), signal)) there.push(module);
  return there;
}

export const uriAt = ({ drivers: [driver] }: BackendModule, place: string): string => `${driver}${place}`;
