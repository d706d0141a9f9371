import { type Check, ok, warn } from '../../../platform/finding.ts';
import { availableMemoryMb } from '../memory.ts';

const wantedMb = 1024;

export const memory: Check = {
  id: 'ram.free',
  title: 'memory',
  why: 'a tiny machine takes 512 MiB, Cloud Foundry 16 GiB',
  async look() {
    const freeMb = await availableMemoryMb();
    const detail = `${freeMb} MiB available`;
    return freeMb >= wantedMb ? ok(detail) : warn(detail, 'end something large');
  },
};
