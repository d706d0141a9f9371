import { join } from 'node:path';
import { environmentPaths } from '../paths.ts';

/** Where an environment's CPI server keeps what it has. */
export const cpiServerPaths = (name: string) => {
  const { folder, logs } = environmentPaths(name);
  const own = join(folder, 'cpi-server');
  return {
    folder: own,
    /** Images, and the configurations of calls that run. */
    work: join(own, 'work'),
    /** Held as long as it runs: there are never two. */
    lock: join(own, 'lock'),
    /** Held by whoever starts or ends it. */
    change: join(own, 'change'),
    /** Process id and start time. */
    process: join(own, 'process'),
    /** What the program itself says. */
    output: join(own, 'output'),
    /** One line per call. */
    audit: join(logs, 'cpi-server.log'),
  };
};
