/** What `up` does for an environment with a director besides what it does for every machine. */
export { boshDeploymentStep } from './bosh-deployment-step.ts';
export { boshStep } from './bosh-step.ts';
export { configsStep } from './configs-step.ts';
export { cpiServerStep } from './cpi-server-step.ts';
export { directorStep } from './director-step.ts';
export { downloadsStep } from './downloads-step.ts';
export { workloadStemcellStep } from './workload-stemcell-step.ts';
