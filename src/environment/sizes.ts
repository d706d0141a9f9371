import { UserError } from '../platform/errors.ts';

const units: Readonly<Record<string, number>> = {
  '': 1,
  m: 1,
  mb: 1,
  mib: 1,
  g: 1024,
  gb: 1024,
  gib: 1024,
  t: 1024 ** 2,
  tb: 1024 ** 2,
  tib: 1024 ** 2,
};

/** Reads `512`, `512M`, `8GiB` as MiB; `where` says in an error which flag or file it was. */
export function parseMegabytes(text: string, where: string): number {
  const [, digits, unit = ''] = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/i.exec(text.trim()) ?? [];
  const factor = units[unit.toLowerCase()];
  if (digits === undefined || factor === undefined) {
    throw new UserError('USAGE', `${where}: '${text}' is not a size`, {
      hints: ['write 512M or 8GiB; a bare number is MiB'],
    });
  }
  return Math.round(Number(digits) * factor);
}

/** MiB for people: 512 MiB, 8 GiB. */
export function formatMegabytes(megabytes: number): string {
  return megabytes >= 1024 && megabytes % 1024 === 0 ? `${megabytes / 1024} GiB` : `${megabytes} MiB`;
}
