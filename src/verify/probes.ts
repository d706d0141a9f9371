import type { HypervisorProbe } from './hypervisor-probe.ts';
import type { LibvirtPlace } from './virsh.ts';

interface ProbeModule {
  probe(place: LibvirtPlace): HypervisorProbe;
}

/** The probe for a backend of ours: `probes/<backend>.ts`, found by its name; test/architecture.test.ts wants one for each. */
export async function probeFor(backend: string, place: LibvirtPlace): Promise<HypervisorProbe> {
  const module = (await import(`./probes/${backend}.ts`)) as ProbeModule;
  return module.probe(place);
}
