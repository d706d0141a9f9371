/** What of stemcells, releases and settings does not fit together. */
export { type CompatibilityFacts, checkCompatibility } from './check-compatibility.ts';
export { type StemcellLine, stemcellLineOf } from './stemcell-line.ts';
