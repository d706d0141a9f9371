/** A typed client of libvirt's remote protocol: see docs/libvirt-client.md. */
export { type ConnectOptions, connectLibvirt } from './connect.ts';
export { Domain, type DomainState, type GuestInterface, Snapshot, type Where } from './domain.ts';
export {
  CallTimeoutError,
  ConnectionLostError,
  LibvirtError,
  libvirtErrors,
  ProtocolError,
} from './errors.ts';
export type { DomainEvent, DomainEvents, Happening } from './events.ts';
export { type DomainCapabilitiesQuery, Libvirt } from './libvirt.ts';
export { type Lease, Network, type NetworkChange } from './network.ts';
export type { EventKind } from './procedures.ts';
export {
  type DownloadOptions,
  Pool,
  type PoolInfo,
  type PoolState,
  type UploadOptions,
  Volume,
  type VolumeInfo,
} from './storage.ts';
