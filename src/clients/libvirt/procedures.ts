/** The procedures of libvirt's remote protocol that this client speaks: number, arguments, answer (libvirt's remote_protocol.x). */
import {
  boolean,
  type Codec,
  type Decoded,
  fixedHex,
  int32,
  list,
  optional,
  parameters,
  size,
  struct,
  text,
  uint32,
} from './xdr.ts';

const uuid = fixedHex(16);
const domain = struct({ name: text, uuid, id: int32 });
const network = struct({ name: text, uuid });
const pool = struct({ name: text, uuid });
const volume = struct({ pool: text, name: text, key: text });
const snapshot = struct({ name: text, domain });
export type DomainId = Decoded<typeof domain>;
export type NetworkId = Decoded<typeof network>;
export type PoolId = Decoded<typeof pool>;
export type VolumeId = Decoded<typeof volume>;
export type SnapshotId = Decoded<typeof snapshot>;

export const remoteError = struct({
  code: int32,
  domain: int32,
  message: optional(text),
  level: int32,
  about: optional(domain),
  text1: optional(text),
  text2: optional(text),
  text3: optional(text),
  int1: int32,
  int2: int32,
  network: optional(network),
});

const address = struct({ type: int32, address: text, prefix: uint32 });
const guestInterface = struct({ name: text, mac: optional(text), addresses: list(address) });
const lease = struct({
  interface: text,
  expirySeconds: size,
  type: int32,
  mac: optional(text),
  iaid: optional(text),
  ip: text,
  prefix: uint32,
  hostname: optional(text),
  clientId: optional(text),
});

const nothing = struct({});
const xmlAnswer = struct({ xml: text });
const active = struct({ active: boolean });
const domainFlags = struct({ domain, flags: uint32 });
const domainXml = struct({ domain, xml: text, flags: uint32 });
const domainAnswer = struct({ domain });
const listing = struct({ wanted: int32, flags: uint32 });

interface Procedure<A, R> {
  readonly number: number;
  readonly args: Codec<A>;
  readonly result: Codec<R>;
}
const procedure = <A, R>(number: number, args: Codec<A>, result: Codec<R>): Procedure<A, R> => ({
  number,
  args,
  result,
});

export const procedures = {
  connectOpen: procedure(1, struct({ name: optional(text), flags: uint32 }), nothing),
  connectClose: procedure(2, nothing, nothing),
  authList: procedure(66, nothing, struct({ types: list(int32) })),
  authPolkit: procedure(70, nothing, struct({ complete: int32 })),
  capabilities: procedure(7, nothing, xmlAnswer),
  hostname: procedure(59, nothing, struct({ hostname: text })),
  libVersion: procedure(157, nothing, struct({ version: size })),
  domainCapabilities: procedure(
    342,
    struct({
      emulator: optional(text),
      arch: optional(text),
      machine: optional(text),
      type: optional(text),
      flags: uint32,
    }),
    xmlAnswer,
  ),

  listDomains: procedure(273, listing, struct({ domains: list(domain), count: uint32 })),
  domainByName: procedure(23, struct({ name: text }), domainAnswer),
  domainByUuid: procedure(24, struct({ uuid }), domainAnswer),
  domainCreateXml: procedure(10, struct({ xml: text, flags: uint32 }), domainAnswer),
  domainDefine: procedure(350, struct({ xml: text, flags: uint32 }), domainAnswer),
  domainCreate: procedure(196, domainFlags, domainAnswer),
  domainDestroy: procedure(234, domainFlags, nothing),
  domainShutdown: procedure(258, domainFlags, nothing),
  domainReboot: procedure(27, domainFlags, nothing),
  domainReset: procedure(245, domainFlags, nothing),
  domainSendSignal: procedure(295, struct({ domain, pid: size, signal: uint32, flags: uint32 }), nothing),
  domainSuspend: procedure(34, struct({ domain }), nothing),
  domainResume: procedure(28, struct({ domain }), nothing),
  domainUndefine: procedure(231, domainFlags, nothing),
  domainXml: procedure(14, domainFlags, xmlAnswer),
  domainState: procedure(212, domainFlags, struct({ state: int32, reason: int32 })),
  domainIsActive: procedure(150, struct({ domain }), active),
  domainSetMetadata: procedure(
    264,
    struct({
      domain,
      type: int32,
      metadata: optional(text),
      key: optional(text),
      uri: optional(text),
      flags: uint32,
    }),
    nothing,
  ),
  domainGetMetadata: procedure(
    265,
    struct({ domain, type: int32, uri: optional(text), flags: uint32 }),
    struct({ metadata: text }),
  ),
  domainAttach: procedure(160, domainXml, nothing),
  domainDetach: procedure(161, domainXml, nothing),
  domainUpdate: procedure(174, domainXml, nothing),
  domainDetachAlias: procedure(392, struct({ domain, alias: text, flags: uint32 }), nothing),
  domainAbortJob: procedure(164, struct({ domain }), nothing),
  domainBackupBegin: procedure(
    421,
    struct({ domain, backup: text, checkpoint: optional(text), flags: uint32 }),
    nothing,
  ),
  domainBlockInfo: procedure(
    194,
    struct({ domain, path: text, flags: uint32 }),
    struct({ allocation: size, capacity: size, physical: size }),
  ),
  domainBlockResize: procedure(251, struct({ domain, disk: text, size, flags: uint32 }), nothing),
  domainSetAutostart: procedure(29, struct({ domain, autostart: boolean }), nothing),
  domainInterfaces: procedure(
    353,
    struct({ domain, source: uint32, flags: uint32 }),
    struct({ interfaces: list(guestInterface) }),
  ),
  domainManagedSave: procedure(182, domainFlags, nothing),
  domainHasManagedSave: procedure(183, domainFlags, struct({ result: boolean })),
  domainManagedSaveRemove: procedure(184, domainFlags, nothing),

  snapshotCreate: procedure(185, domainXml, struct({ snapshot })),
  listSnapshots: procedure(
    274,
    struct({ domain, wanted: int32, flags: uint32 }),
    struct({ snapshots: list(snapshot), count: int32 }),
  ),
  snapshotByName: procedure(189, struct({ domain, name: text, flags: uint32 }), struct({ snapshot })),
  snapshotXml: procedure(186, struct({ snapshot, flags: uint32 }), xmlAnswer),
  snapshotRevert: procedure(192, struct({ snapshot, flags: uint32 }), nothing),
  snapshotDelete: procedure(193, struct({ snapshot, flags: uint32 }), nothing),

  listNetworks: procedure(283, listing, struct({ networks: list(network), count: uint32 })),
  networkByName: procedure(46, struct({ name: text }), struct({ network })),
  networkCreateXml: procedure(40, struct({ xml: text }), struct({ network })),
  networkDefine: procedure(41, struct({ xml: text }), struct({ network })),
  networkCreate: procedure(39, struct({ network }), nothing),
  networkDestroy: procedure(42, struct({ network }), nothing),
  networkUndefine: procedure(49, struct({ network }), nothing),
  networkXml: procedure(43, struct({ network, flags: uint32 }), xmlAnswer),
  networkBridge: procedure(45, struct({ network }), struct({ name: text })),
  networkSetAutostart: procedure(48, struct({ network, autostart: boolean }), nothing),
  networkIsActive: procedure(152, struct({ network }), active),
  networkUpdate: procedure(
    291,
    struct({ network, command: uint32, section: uint32, parentIndex: int32, xml: text, flags: uint32 }),
    nothing,
  ),
  networkLeases: procedure(
    341,
    struct({ network, mac: optional(text), wanted: int32, flags: uint32 }),
    struct({ leases: list(lease), count: uint32 }),
  ),

  listPools: procedure(281, listing, struct({ pools: list(pool), count: uint32 })),
  poolByName: procedure(84, struct({ name: text }), struct({ pool })),
  poolDefine: procedure(77, struct({ xml: text, flags: uint32 }), struct({ pool })),
  poolBuild: procedure(79, struct({ pool, flags: uint32 }), nothing),
  poolCreate: procedure(78, struct({ pool, flags: uint32 }), nothing),
  poolDestroy: procedure(80, struct({ pool }), nothing),
  poolDelete: procedure(81, struct({ pool, flags: uint32 }), nothing),
  poolUndefine: procedure(82, struct({ pool }), nothing),
  poolRefresh: procedure(83, struct({ pool, flags: uint32 }), nothing),
  poolInfo: procedure(
    87,
    struct({ pool }),
    struct({ state: int32, capacity: size, allocation: size, available: size }),
  ),
  poolXml: procedure(88, struct({ pool, flags: uint32 }), xmlAnswer),
  poolSetAutostart: procedure(90, struct({ pool, autostart: boolean }), nothing),
  poolIsActive: procedure(154, struct({ pool }), active),
  listVolumes: procedure(
    282,
    struct({ pool, wanted: int32, flags: uint32 }),
    struct({ volumes: list(volume), count: uint32 }),
  ),

  volumeByName: procedure(95, struct({ pool, name: text }), struct({ volume })),
  volumeByPath: procedure(97, struct({ path: text }), struct({ volume })),
  volumeCreate: procedure(93, struct({ pool, xml: text, flags: uint32 }), struct({ volume })),
  volumeClone: procedure(125, struct({ pool, xml: text, from: volume, flags: uint32 }), struct({ volume })),
  volumeDelete: procedure(94, struct({ volume, flags: uint32 }), nothing),
  volumeInfo: procedure(98, struct({ volume }), struct({ type: int32, capacity: size, allocation: size })),
  volumeXml: procedure(99, struct({ volume, flags: uint32 }), xmlAnswer),
  volumePath: procedure(100, struct({ volume }), struct({ path: text })),
  volumeResize: procedure(260, struct({ volume, capacity: size, flags: uint32 }), nothing),
  volumeUpload: procedure(208, struct({ volume, offset: size, length: size, flags: uint32 }), nothing),
  volumeDownload: procedure(209, struct({ volume, offset: size, length: size, flags: uint32 }), nothing),

  eventRegister: procedure(
    316,
    struct({ event: int32, domain: optional(domain) }),
    struct({ callback: int32 }),
  ),
} as const;

export type ProcedureName = keyof typeof procedures;
export type ArgsOf<K extends ProcedureName> = Decoded<(typeof procedures)[K]['args']>;
export type ResultOf<K extends ProcedureName> = Decoded<(typeof procedures)[K]['result']>;

const deviceEvent = struct({ callback: int32, domain, alias: text });

/** Messages that the server sends on its own, by procedure number. */
export const eventMessages = {
  318: { kind: 'lifecycle', codec: struct({ callback: int32, domain, event: int32, detail: int32 }) },
  319: { kind: 'reboot', codec: struct({ callback: int32, domain }) },
  333: { kind: 'device-removed', codec: deviceEvent },
  354: { kind: 'device-added', codec: deviceEvent },
  363: { kind: 'job-completed', codec: struct({ callback: int32, domain, parameters }) },
  367: { kind: 'device-removal-failed', codec: deviceEvent },
} as const;

/** libvirt's numbers of these events when asking for them. */
export const eventNumbers = {
  lifecycle: 0,
  reboot: 1,
  'device-removed': 15,
  'device-added': 19,
  'job-completed': 21,
  'device-removal-failed': 22,
} as const;
export type EventKind = keyof typeof eventNumbers;
export const eventKinds = Object.keys(eventNumbers) as readonly EventKind[];
