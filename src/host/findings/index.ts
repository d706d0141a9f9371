/** What boshvirt looks at on the machine that it runs on. */
export { packageCheck } from './checks/packages.ts';
export { type GuestWay, hopChecks } from './hops.ts';
export { hostChecks, inspect } from './inspect-host.ts';
export { installCommand, installPackages } from './install.ts';
export { availableMemoryMb } from './memory.ts';
export { directorPackages, missingPackages, stemcellPackages } from './packages.ts';
export { inspectHostRange, pickFreeRange, rangesOverlap } from './ranges.ts';
export { freeSpace } from './space.ts';
