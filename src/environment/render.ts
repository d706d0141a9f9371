import { readFile } from 'node:fs/promises';
import { stringify } from 'yaml';
import { interpolateText } from '../engine/template/index.ts';
import type { Log } from '../platform/log.ts';
import { deploySource } from './deploy.ts';
import { requireRecord } from './record.ts';
import { openBackend, requireVm } from './session.ts';

export const renderable = ['manifest', 'ops', 'vars', 'domain-xml', 'network-xml'] as const;
export type Renderable = (typeof renderable)[number];

/**
 * What boshvirt hands to bosh and to the hypervisor for this environment, as text. Generated variables stay ((names)):
 * secrets are not shown.
 */
export async function render(
  name: string,
  what: Renderable,
  boshvirtCommand: string,
  log: Log,
): Promise<string> {
  const record = await requireRecord(name);
  if (what === 'domain-xml' || what === 'network-xml') {
    await using backend = await openBackend(record, log);
    return what === 'network-xml'
      ? await backend.ground.networkDefinition()
      : await backend.ground.vmDefinition(await requireVm(name));
  }
  const stemcell = record.stemcellFile ?? {
    path: record.stemcell ?? 'stemcell.tgz',
    sha1: 'unknown until up has read it',
  };
  const source = deploySource(record, stemcell, boshvirtCommand);
  if (what === 'vars') return stringify(source.vars);
  if (what === 'ops')
    return (await Promise.all(source.opsFiles.map((path) => readFile(path, 'utf8')))).join('');
  return await interpolateText({
    manifestPath: source.manifestPath,
    opsFiles: source.opsFiles,
    vars: source.vars,
    varsFiles: source.varsFiles,
  });
}
