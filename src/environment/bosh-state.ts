import { UserError } from '../platform/errors.ts';
import { readTextIfThere } from '../platform/files.ts';
import { environmentPaths } from './paths.ts';

/** What bosh's state file says was made, by CID. */
export interface BoshState {
  /** undefined before create_vm and after delete_vm. */
  readonly vm: string | undefined;
  readonly disks: readonly string[];
  readonly stemcells: readonly string[];
}

interface StateText {
  readonly current_vm_cid?: string;
  readonly disks?: readonly { readonly cid: string }[] | null;
  readonly stemcells?: readonly { readonly cid: string }[] | null;
}

/** Reads the state of an environment; all is empty where there is no such file. Throws STATE_DAMAGED. */
export async function readBoshState(name: string): Promise<BoshState> {
  const path = environmentPaths(name).state;
  const { current_vm_cid: vm, disks, stemcells } = parse(name, path, (await readTextIfThere(path)) ?? '{}');
  const cids = (records: StateText['disks']) => (records ?? []).map(({ cid }) => cid);
  return { vm: vm || undefined, disks: cids(disks), stemcells: cids(stemcells) };
}

/** All that it names. */
export const cidsIn = ({ vm, disks, stemcells }: BoshState): ReadonlySet<string> =>
  new Set([...(vm === undefined ? [] : [vm]), ...disks, ...stemcells]);

function parse(name: string, path: string, text: string): StateText {
  try {
    return JSON.parse(text) as StateText;
  } catch (error) {
    throw new UserError('STATE_DAMAGED', `bosh's state ${path} is not JSON`, {
      cause: error,
      hints: [
        'put it back from a backup: without it nobody knows which disk is whose',
        `or delete the environment, data included: boshvirt down ${name}`,
      ],
    });
  }
}
