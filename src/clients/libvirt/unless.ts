import { LibvirtError } from './errors.ts';

/** undefined instead of libvirt's "not found". */
export async function unless<T>(code: number, ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof LibvirtError && error.is(code)) return undefined;
    throw error;
  }
}
