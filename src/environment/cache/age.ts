import { UserError } from '../../platform/errors.ts';

const units: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };

/** Reads `12h`, `30d`, `2w` as milliseconds; `where` says in an error which flag it was. */
export function parseAge(text: string, where: string): number {
  const [, digits, unit = ''] = /^(\d+)([mhdw])$/.exec(text.trim()) ?? [];
  const factor = units[unit];
  if (digits !== undefined && factor !== undefined) return Number(digits) * factor;
  throw new UserError('USAGE', `${where}: '${text}' is not an age`, {
    hints: ['write 12h, 30d or 2w: hours, days, weeks'],
  });
}
