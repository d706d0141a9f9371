/** How a clause ends when it does not hold. */

/** By which road something was seen: the CPI's own answer, the guest, the hypervisor. */
export type Road = 'wire' | 'guest' | 'hypervisor';

export interface Finding {
  readonly expected: string;
  readonly seen: string;
  readonly road: Road;
}

/** The CPI breaks the clause. */
export class ClauseBroken extends Error {
  override name = 'ClauseBroken';
  readonly finding: Finding;

  constructor(finding: Finding) {
    super(`expected ${finding.expected}; seen: ${finding.seen}`);
    this.finding = finding;
  }
}

/** The clause says nothing about this CPI, or nobody is there to look. */
export class ClauseSkipped extends Error {
  override name = 'ClauseSkipped';
}
