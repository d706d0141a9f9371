import type { JsonObject, JsonValue } from '../../cpi/backend.ts';

export interface GuestNic {
  readonly name: string;
  readonly mac: string;
  readonly addresses: readonly string[];
}

/** What a guest sees of itself. */
export interface GuestFacts {
  /** Another one after each start. */
  readonly boot: string;
  /** In the kernel's order, loopback left out. */
  readonly nics: readonly GuestNic[];
  /** The NIC of the default route. */
  readonly gatewayNic: string | undefined;
  readonly memoryMb: number;
  /** Size of the file system of /var/vcap/data. */
  readonly dataMb: number;
  /** Size of the file system on /var/vcap/store; undefined if none is mounted there. */
  readonly storeMb: number | undefined;
}

/** One guest, found by its address, as bosh and people speak to it: by its agent, and by a shell. */
export interface Guest {
  /** Waits until the agent answers, however long a boot takes. */
  awake(): Promise<void>;
  /** Waits until nobody answers any more; false if somebody still does. */
  silent(): Promise<boolean>;
  agentId(): Promise<string>;
  facts(): Promise<GuestFacts>;
  /** Size in MiB of the device that the CID and attach_disk's hint lead to, undefined if there is none. */
  diskMb(cid: string, hint: JsonValue): Promise<number | undefined>;
  /** Tells the agent of the disk and lets it mount it: on /var/vcap/store, or beside it for a migration. */
  mount(cid: string, hint: JsonValue): Promise<void>;
  unmount(cid: string): Promise<void>;
  migrate(from: string): Promise<void>;
  /** CIDs of the persistent disks that are mounted. */
  mounted(): Promise<string[]>;
  write(path: string, text: string): Promise<void>;
  /** undefined if there is no such file. */
  read(path: string): Promise<string | undefined>;
  /** The guest switches itself off, as after a crash. */
  powerOff(): Promise<void>;
}

export interface Guests extends AsyncDisposable {
  /** create_vm's `env`: how the agents will be spoken to. */
  readonly env: JsonObject;
  /** Values in it that no log may have. */
  readonly secrets: readonly string[];
  /** How long these guests may take to notice a disk, if not as long as others. */
  readonly noticeTimeoutMs?: number;
  at(address: string): Guest;
}
