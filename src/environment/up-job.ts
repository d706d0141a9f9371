import type { Fetched } from '../downloads/index.ts';
import type { Lock } from '../platform/lock.ts';
import type { ChosenBackend } from './choose-backend.ts';
import type { StemcellSource } from './deploy.ts';
import type { DownloadLock } from './download-lock.ts';
import type { EnvironmentRecord } from './record.ts';
import type { Caller } from './steps/step.ts';
import type { UpRequest } from './up-settings.ts';

export interface UpOptions {
  readonly recreate: boolean;
  /** Nothing is fetched: what is not in the cache is an error. */
  readonly offline: boolean;
  /** Says which bytes the addresses have to give, and is told which they gave. */
  readonly downloadLock?: DownloadLock;
  /** CID of a lost disk that the machine is to have. */
  readonly adoptDisk: string | undefined;
  /** The program that bosh will start as CPI: this boshvirt's own launcher. */
  readonly boshvirtCommand: string;
}

/** One `up`: what was asked for, what stood before, and what it works with. */
export interface UpJob {
  readonly name: string;
  readonly request: UpRequest;
  readonly options: UpOptions;
  readonly before: EnvironmentRecord | undefined;
  readonly backend: ChosenBackend;
  /** Packages that the person agreed to install. */
  readonly missing: readonly string[];
  readonly lock: Lock;
  readonly caller: Caller;
}

/** What the steps hand to one another. */
export interface UpWork {
  stemcell?: StemcellSource;
  record?: EnvironmentRecord;
  /** With a director: all that was downloaded for it. */
  fetched?: readonly Fetched[];
  /** The machine goes on from where it was put to sleep: its clock is late. */
  slept?: boolean;
}

/** What an earlier step has left. */
export function required<T>(value: T | undefined): T {
  if (value === undefined) throw new TypeError('a step of up ran before the one that it stands on');
  return value;
}
