/** Making BOSH stemcells: so far the probe stemcell, a small real guest (docs/probe-stemcell.md). */
export { buildProbeStemcell } from './build-probe-stemcell.ts';
export type { ProbeFormName } from './guest-parts.ts';
export { probeFormFor } from './probe-forms.ts';
