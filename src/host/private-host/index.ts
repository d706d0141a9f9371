/** A libvirt of boshvirt's own, in namespaces of its own: see docs/private-host.md. */
export { findPrivateHost, type PrivateHost } from './find.ts';
export { privateHostNames, privateHostUri } from './layout.ts';
export { insideNetns, isInsideNetns } from './network-namespace.ts';
export { startPrivateHost } from './start.ts';
export { removePrivateHost, stopPrivateHost } from './stop.ts';
