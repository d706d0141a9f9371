import type { EnvironmentRecord } from '../record.ts';

/** Whether the environment's director has its VMs made by this machine's CPI, and so needs it served. */
export const needsCpiServer = ({ profile }: Pick<EnvironmentRecord, 'profile'>): boolean =>
  profile === 'director';
