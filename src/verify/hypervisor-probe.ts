export type VmState = 'running' | 'paused' | 'off' | 'absent';

/**
 * A look at the hypervisor by another road than the CPI's. `probes/<backend>.ts` has one for each backend of ours; all
 * names are the CPI's CIDs.
 */
export interface HypervisorProbe extends AsyncDisposable {
  vms(): Promise<string[]>;
  state(vm: string): Promise<VmState>;
  /** Persistent disks that the running VM has, by the hypervisor's live definition. */
  disksOf(vm: string): Promise<string[]>;
  /** Everything that the VM may write to, by path. */
  writableImages(vm: string): Promise<string[]>;
  /** The names of all that lies in the CPI's storage. */
  storage(): Promise<string[]>;
  /** Whether what lies in the storage under this CID has the text in its bytes. */
  holds(cid: string, text: string): Promise<boolean>;
  /** Whether the hypervisor's own notes about the VM have the text. */
  remembers(vm: string, text: string): Promise<boolean>;
}
