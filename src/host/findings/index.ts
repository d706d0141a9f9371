/** What boshvirt looks at on the machine that it runs on. */
export type { Finding } from './finding.ts';
export { inspectHost } from './inspect-host.ts';
export { installCommand, installPackages } from './install.ts';
export { availableMemoryMb } from './memory.ts';
export { missingPackages } from './packages.ts';
export { inspectHostRange, pickFreeRange, rangesOverlap } from './ranges.ts';
