/**
 * One network of create_vm's fourth argument (contract 1.6), in BOSH's own words. Keys that we do not know travel on to
 * the agent and back to the director as they came.
 */
export interface NetworkSpec {
  readonly type?: 'manual' | 'dynamic' | 'vip';
  readonly ip?: string;
  readonly netmask?: string;
  /** Length of the netmask as text; the director sends it, the CLI does not. */
  readonly prefix?: string;
  readonly gateway?: string;
  readonly dns?: readonly string[];
  /** What this network is the VM's default for: `dns`, `gateway`. */
  readonly default?: readonly string[];
  readonly cloud_properties?: Readonly<Record<string, unknown>>;
  /** Lower case, colons: the agent compares it with sysfs letter by letter (contract 2.5). */
  readonly mac?: string;
  /** true: the guest's interface is up already, the agent only sets DNS. */
  readonly preconfigured?: boolean;
  /** Networks of one group share a NIC. */
  readonly nic_group?: string | number;
  readonly [key: string]: unknown;
}
