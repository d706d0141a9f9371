import { ask } from './ask.ts';

/** How a packet leaves. */
export interface Departure {
  readonly device: string;
  /** undefined: whom it is for is on the same network. */
  readonly gateway: string | undefined;
}

interface Printed {
  readonly dev?: string;
  readonly gateway?: string;
}

/** Which of all routes the kernel takes to an address; undefined if none leads there. */
export async function departureTo(
  address: string,
  prefix: readonly string[] = [],
): Promise<Departure | undefined> {
  const unreachable = 2;
  const [route] = await ask<Printed>(prefix, ['-4', 'route', 'get', address], [unreachable]);
  return route?.dev === undefined ? undefined : { device: route.dev, gateway: route.gateway };
}

/** The interface of the default route; undefined without one. */
export async function readUplink(prefix: readonly string[] = []): Promise<string | undefined> {
  const routes = await ask<Printed>(prefix, ['-4', 'route', 'show', 'default']);
  return routes.find(({ dev }) => dev !== undefined)?.dev;
}
