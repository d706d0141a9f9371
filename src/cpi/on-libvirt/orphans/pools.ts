import { LibvirtError } from '../../../clients/libvirt/index.ts';
import type { Orphan, Owners } from '../../backend.ts';
import { CloudError } from '../../errors.ts';
import { refreshPool } from '../free-bytes.ts';
import type { LibvirtHost } from '../libvirt-host.ts';
import { isGone, type Remains } from './remains.ts';

/** The storage pool of an environment that is gone, once it is empty. */
export const orphanPools: Remains = {
  kind: 'pool',
  async find(host: LibvirtHost, { gone }: Owners): Promise<Orphan[]> {
    const { environment, storagePool: name } = host.config;
    if (!gone || !(await host.libvirt.findPool(name))) return [];
    return [{ kind: 'pool', name, why: isGone(environment), bytesOnDisk: 0 }];
  },
  async remove(host, name) {
    const pool = await host.libvirt.findPool(name);
    if (!pool) return;
    try {
      if (!(await pool.isActive())) await pool.start();
      await refreshPool(pool);
    } catch (error) {
      if (!(error instanceof LibvirtError)) throw error;
      return await pool.undefine(); // its folder is gone
    }
    const left = (await pool.listVolumes()).map((volume) => volume.name);
    if (left.length > 0)
      throw new CloudError('CloudError', `Pool ${name} stays, since there is in it: ${left.join(', ')}`);
    await pool.destroy();
    await pool.delete().catch((error: unknown) => {
      if (!(error instanceof LibvirtError)) throw error;
      host.log.warn(`the folder of pool ${name} stays: ${error.message}`);
    });
    await pool.undefine();
  },
};
