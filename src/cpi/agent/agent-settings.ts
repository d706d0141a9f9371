import type { NetworkSpec } from './networks.ts';

/** Where a disk is found: a path, or a hint whose values are all strings (contract 2.3). */
type AgentDiskHint = string | Readonly<Record<string, string>>;

interface AgentDisks {
  /** A string and never an object, or the agent cannot read its settings at all. */
  readonly system: string;
  readonly ephemeral?: AgentDiskHint;
  /** By disk CID. */
  readonly persistent: Readonly<Record<string, AgentDiskHint>>;
}

/** The settings that a BOSH agent reads at its start: the JSON of contract 2.3. */
export interface AgentSettings {
  readonly agent_id: string;
  readonly vm: { readonly name: string; readonly id: string };
  readonly mbus: string;
  readonly ntp: readonly string[];
  readonly blobstore?: Readonly<Record<string, unknown>>;
  readonly networks: Readonly<Record<string, NetworkSpec>>;
  readonly disks: AgentDisks;
  readonly env: Readonly<Record<string, unknown>>;
}

interface AgentSettingsInput {
  readonly agentId: string;
  readonly vmCid: string;
  readonly networks: Readonly<Record<string, NetworkSpec>>;
  readonly env: Readonly<Record<string, unknown>>;
  readonly agent: {
    readonly mbus: string;
    readonly blobstore?: Readonly<Record<string, unknown>> | null | undefined;
    readonly ntp?: readonly string[] | undefined;
  };
  readonly disks: Omit<AgentDisks, 'persistent'> & Partial<Pick<AgentDisks, 'persistent'>>;
}

/**
 * Puts together what a VM's agent must know. Networks and env pass through untouched: the agent understands keys that a
 * CPI has never heard of (contract 1.5, 1.6).
 */
export function buildAgentSettings(input: AgentSettingsInput): AgentSettings {
  const { agentId, vmCid, networks, env, agent, disks } = input;
  return {
    agent_id: agentId,
    vm: { name: vmCid, id: vmCid },
    mbus: agent.mbus,
    ntp: agent.ntp ?? [],
    ...(agent.blobstore ? { blobstore: agent.blobstore } : {}),
    networks,
    disks: { ...disks, persistent: disks.persistent ?? {} },
    env,
  };
}
