/** A typed client of libvirt's remote protocol: see docs/libvirt-client.md. */
export { UserError } from '../../platform/errors.ts';
export { type ConnectOptions, connectLibvirt } from './connect.ts';
export type {
  BackupOptions,
  BlockInfo,
  DestroyOptions,
  Domain,
  DomainState,
  DomainXmlOptions,
  GuestInterface,
  ManagedSaveOptions,
  StartOptions,
  UndefineOptions,
  Where,
} from './domain.ts';
export {
  CallTimeoutError,
  ConnectionLostError,
  LibvirtError,
  libvirtErrors,
  ProtocolError,
} from './errors.ts';
export type {
  DeviceEvent,
  DomainEvent,
  DomainEvents,
  Happening,
  JobEvent,
  LifecycleEvent,
  RebootEvent,
} from './events.ts';
export type { DefineOptions, DomainCapabilitiesQuery, DomainChoice, Libvirt } from './libvirt.ts';
export type { Lease, Network, NetworkChange, NetworkXmlOptions } from './network.ts';
export type { EventKind } from './procedures.ts';
export type { RevertOptions, Snapshot, SnapshotDeleteOptions, SnapshotOptions } from './snapshot.ts';
export type {
  DownloadOptions,
  Pool,
  PoolInfo,
  PoolState,
  UploadOptions,
  Volume,
  VolumeCloneOptions,
  VolumeCreateOptions,
  VolumeInfo,
  VolumeResizeOptions,
} from './storage.ts';
export { type LibvirtUri, parseUri } from './uri.ts';
export { parseXml, type XmlElement } from './xml.ts';
