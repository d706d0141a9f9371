import { escapeXml, fillTemplate, markup } from '../../../platform/template.ts';
import type { VmSpec } from '../../backend.ts';
import { vmRecordXml } from '../../on-libvirt/vm-records.ts';
import { interfacesXml } from './interfaces.ts';
import { deviceLink } from './loop-devices.ts';
import type { VmProperties } from './options.ts';
import { vmVolumes } from './volume-names.ts';

/** Of the scheduler, as the template has it. */
const periodUs = 100_000;

export interface DomainFacts {
  /** The pool's folder. */
  readonly folder: string;
  readonly environment: string;
  readonly spec: VmSpec;
  readonly properties: VmProperties;
}

/** Pure: the same facts give the same XML. */
export function domainXml({ folder, environment, spec, properties }: DomainFacts): string {
  const path = (volume: (vm: string) => string) => `${folder}/${volume(spec.cid)}`;
  return fillTemplate('lxc/domain.xml', {
    name: spec.cid,
    title: `BOSH VM of ${environment}`,
    metadata: markup(vmRecordXml(spec, environment)),
    memoryMb: properties.memoryMb,
    cpus: properties.cpus,
    quota: properties.cpus * periodUs,
    script: fillTemplate('lxc/init.sh', {}),
    init: markup(properties.init.map((word) => `<initarg>${escapeXml(word)}</initarg>`)),
    rootPath: deviceLink(vmVolumes.root(spec.cid)),
    ephemeral: markup(
      properties.ephemeralDiskMb > 0
        ? fillTemplate('lxc/ephemeral.xml', { path: deviceLink(vmVolumes.ephemeral(spec.cid)) })
        : '',
    ),
    settingsPath: path(vmVolumes.settings),
    consolePath: path(vmVolumes.console),
    nics: interfacesXml(spec),
  });
}
