import * as z from 'zod/mini';
import { CloudError } from '../errors.ts';

const megabytes = z.int().check(z.nonnegative());
const processors = z.int().check(z.positive(), z.maximum(512));
const memory = z.int().check(z.minimum(64));

/**
 * How large a VM is, in cloud properties: the same words on every backend. Sizes are MiB. `cpu` and `ram` are what some other
 * CPIs say for `cpus` and `memory`; nothing else has one meaning only.
 */
export const vmSizeShape = {
  cpus: z.optional(processors),
  cpu: z.optional(processors),
  memory: z.optional(memory),
  ram: z.optional(memory),
  ephemeral_disk: z._default(megabytes, 5120),
  root_disk: z._default(megabytes, 0),
} as const;

export interface VmSize {
  readonly cpus: number;
  readonly memoryMb: number;
  /** 0: none; the agent then parts the root disk. */
  readonly ephemeralDiskMb: number;
  /** 0: as large as the stemcell's image. */
  readonly rootDiskMb: number;
}

interface ParsedVmSize {
  readonly cpus?: number | undefined;
  readonly cpu?: number | undefined;
  readonly memory?: number | undefined;
  readonly ram?: number | undefined;
  readonly ephemeral_disk: number;
  readonly root_disk: number;
}

/** What is not said is one processor and 1024 MiB. Throws a CloudError for two words of one meaning that differ. */
export function vmSizeFrom(parsed: ParsedVmSize): VmSize {
  return {
    cpus: oneOf(parsed, 'cpus', 'cpu') ?? 1,
    memoryMb: oneOf(parsed, 'memory', 'ram') ?? 1024,
    ephemeralDiskMb: parsed.ephemeral_disk,
    rootDiskMb: parsed.root_disk,
  };
}

function oneOf(parsed: ParsedVmSize, word: 'cpus' | 'memory', other: 'cpu' | 'ram'): number | undefined {
  const [value, same] = [parsed[word], parsed[other]];
  if (value === undefined || same === undefined || value === same) return value ?? same;
  throw new CloudError(
    'CloudError',
    `cloud_properties.${other}: ${same} contradicts ${word}: ${value}; they mean the same, so give one of them`,
  );
}
