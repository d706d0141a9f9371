import type { StemcellRecord } from '../state-file.ts';
import type { Deployment } from './deployment.ts';
import type { StemcellArchive, StemcellFacts } from './stemcell-archive.ts';

/** A stemcell as a file, and what it says about itself. */
export interface StemcellSource {
  readonly archive: StemcellArchive;
  readonly facts: StemcellFacts;
}

/**
 * The state's stemcell of that name and version; else the file's image is uploaded. Either way the file is read to its end
 * first where there is a digest to compare: a damaged one is told before anything is made or deleted.
 */
export async function ensureStemcell(
  deployment: Deployment,
  source: StemcellSource,
): Promise<StemcellRecord> {
  const { name, version } = source.facts;
  const known = deployment.state.stemcells.find((each) => each.name === name && each.version === version);
  if (!known) return await uploadStemcell(deployment, source);
  await source.archive.verify();
  deployment.context.onProgress(`stemcell ${name}/${version} is already uploaded`);
  return known;
}

async function uploadStemcell(
  { cloud, state, context }: Deployment,
  { archive, facts }: StemcellSource,
): Promise<StemcellRecord> {
  const { name, version, apiVersion, cloudProperties } = facts;
  context.onProgress(`unpacking stemcell ${name}/${version}`);
  await using image = await archive.unpack(context.workDir);
  context.onProgress(`uploading stemcell ${name}/${version}`);
  const cid = await cloud.createStemcell(image.path, cloudProperties);
  return await state.addStemcell({ name, version, api_version: apiVersion, cid });
}

/** Uploads a stemcell that the state names and the CPI does not have: somebody deleted it. */
export async function replaceStemcell(
  deployment: Deployment,
  missing: StemcellRecord,
  source: StemcellSource,
): Promise<StemcellRecord> {
  deployment.context.log.warn(`stemcell ${missing.cid} is gone; it is uploaded again`);
  await deployment.state.forgetStemcell(missing);
  return await uploadStemcell(deployment, source);
}

/** Deletes a stemcell, and then what the state knows of it. */
export async function deleteStemcell(
  { cloud, state, context }: Deployment,
  stemcell: StemcellRecord,
): Promise<void> {
  context.onProgress(`deleting stemcell ${stemcell.name}/${stemcell.version}`);
  await cloud.deleteStemcell(stemcell.cid);
  await state.forgetStemcell(stemcell);
}
