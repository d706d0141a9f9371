/**
 * Promise.all that throws only once all of `work` has ended: whoever then takes back what was made meets nothing that is
 * still being made. Of several errors it throws the first in order.
 */
export async function allEnded<T extends readonly unknown[]>(
  work: T,
): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }> {
  await Promise.allSettled(work);
  return await Promise.all(work);
}
