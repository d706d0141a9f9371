/** A create-env manifest, read and validated by bosh's rules. */
export { type MachinePlan, machinePlanFrom } from './machine-plan.ts';
export { providerFrom } from './provider.ts';
export { secretsIn } from './secrets.ts';
