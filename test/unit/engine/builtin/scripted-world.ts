/** The world that the scripted CPI and the scripted agent share: a JSON file, read and written whole at each step. */
import { readFileSync, writeFileSync } from 'node:fs';

export interface CpiRequest {
  readonly method: string;
  readonly arguments: readonly unknown[];
  readonly context: unknown;
  readonly api_version: number;
}

export interface World {
  vms: Record<string, { stemcell: string; disks: string[]; metadata: unknown }>;
  disks: Record<string, { sizeMb: number; content: string; metadata: unknown }>;
  stemcells: Record<string, { image: string }>;
  /** What the CPI was asked, in order. */
  requests: CpiRequest[];
  /** What the agent was asked, in order; get_task left out. */
  messages: { readonly method: string; readonly arguments: readonly unknown[] }[];
  /** CPI calls and agent messages together. */
  steps: string[];
  /** Disks that the agent was told of, and those that it mounted, the oldest first. */
  hinted: string[];
  mounted: string[];
  jobState: string;
  serial: number;
  /** Kills whoever asks for this step, once its work is done. */
  killAfter?: { readonly step: string; readonly count: number } | undefined;
  /** The wire error that a CPI method answers with. */
  cpiErrors: Record<string, { type: string; message: string; ok_to_retry: boolean }>;
  /** Results that the CPI answers with in place of its own. */
  cpiResults: Record<string, unknown>;
  /** What the agent fails with at a method. */
  agentErrors: Record<string, string>;
  agentIsDead?: boolean;
}

export const emptyWorld = (): World => ({
  vms: {},
  disks: {},
  stemcells: {},
  requests: [],
  messages: [],
  steps: [],
  hinted: [],
  mounted: [],
  jobState: 'stopped',
  serial: 0,
  cpiErrors: {},
  cpiResults: {},
  agentErrors: {},
});

export const readWorld = (path: string): World => JSON.parse(readFileSync(path, 'utf8')) as World;
export const writeWorld = (path: string, world: World): void => writeFileSync(path, JSON.stringify(world));

/** Whether this is the step after which the engine is to be killed; says so once. */
export function isLastStep(world: World, step: string): boolean {
  world.steps.push(step);
  const { killAfter } = world;
  if (killAfter?.step !== step) return false;
  world.killAfter = killAfter.count > 1 ? { step, count: killAfter.count - 1 } : undefined;
  return killAfter.count === 1;
}
