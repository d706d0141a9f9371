/** Making BOSH stemcells: so far the probe stemcell, a small real guest (docs/probe-stemcell.md). */
export { buildProbeStemcell, type ProbeStemcell, type ProbeStemcellOptions } from './build-probe-stemcell.ts';
export { probeBuildPackages } from './build-tools.ts';
