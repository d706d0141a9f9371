/** Options that are one bit each on the wire. */
export type Choices<Bits> = { readonly [Name in keyof Bits]?: boolean };

/** The sum of the bits that were chosen. */
export function flagsOf<Bits extends Readonly<Record<string, number>>>(
  bits: Bits,
  choices: Choices<Bits>,
): number {
  let flags = 0;
  for (const [name, bit] of Object.entries(bits)) if (choices[name]) flags |= bit;
  return flags;
}
