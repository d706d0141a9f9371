/** Programs that the machine keeps running, where it has a systemd. */
export { findSystemd, Systemd } from './systemd.ts';
export type { Service } from './unit.ts';
