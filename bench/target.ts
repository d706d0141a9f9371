import type { Sample } from './harness/sample.ts';

/** What a figure has to reach, and how it is compared. */
export interface Target {
  /** "≤ 1.3 ×" */
  readonly text: string;
  /** What is compared with the target: "1.12 ×". */
  result(ours: Sample, theirs: Sample): string;
  isMet(ours: Sample, theirs: Sample): boolean;
}

/** At most so many times what the other side takes. */
export function times(factor: number): Target {
  const ratio = (ours: Sample, theirs: Sample) => ours.median / theirs.median;
  return {
    text: `≤ ${factor} ×`,
    result: (ours, theirs) => `${ratio(ours, theirs).toFixed(2)} ×`,
    isMet: (ours, theirs) => ratio(ours, theirs) <= factor,
  };
}

/** At most so much more than the other side. */
export function within(amount: number, unit = 'ms'): Target {
  const difference = (ours: Sample, theirs: Sample) => ours.median - theirs.median;
  return {
    text: `≤ +${amount} ${unit}`,
    result: (ours, theirs) => `+${difference(ours, theirs).toFixed(0)} ${unit}`,
    isMet: (ours, theirs) => difference(ours, theirs) <= amount,
  };
}

/** At most so much, whatever the other side takes. */
export function atMost(ms: number): Target {
  return {
    text: `≤ ${ms} ms`,
    result: (ours, theirs) => `${(ours.median / theirs.median).toFixed(2)} ×`,
    isMet: (ours) => ours.median <= ms,
  };
}
