import { BoshvirtError, type ErrorCode, type ErrorFacts } from '../platform/errors.ts';

/**
 * Error types that the director or the bosh CLI know by name (contract 1.4); docs/cpi-errors.md tells when each is raised and
 * what bosh then does. On the wire each has the prefix `Bosh::Clouds::`.
 */
export const cloudErrorTypes = [
  'CpiError',
  'CloudError',
  'NotSupported',
  'NotImplemented',
  'VMNotFound',
  'DiskNotFound',
  'DiskNotAttached',
  'StemcellNotFound',
  'NetworkNotFound',
  'NoDiskSpace',
  'VMCreationFailed',
] as const;
export type CloudErrorType = (typeof cloudErrorTypes)[number];

interface CloudErrorFacts extends ErrorFacts {
  readonly okToRetry?: boolean;
  /** What it is to a person at the command line, where that says more than the type. */
  readonly code?: ErrorCode;
}

/** The CPI's answer to bosh when it cannot do what was asked. */
export class CloudError extends BoshvirtError {
  override name = 'CloudError';
  readonly type: CloudErrorType;
  /** Only `VMCreationFailed` is ever tried again, and only if this says so (contract 1.4). */
  readonly okToRetry: boolean;

  constructor(type: CloudErrorType, message: string, facts: CloudErrorFacts = {}) {
    super(facts.code ?? (type === 'NoDiskSpace' ? 'NO_RESOURCES' : 'CPI'), message, facts);
    this.type = type;
    this.okToRetry = facts.okToRetry ?? false;
  }
}

export const vmNotFound = (cid: string): CloudError => new CloudError('VMNotFound', `VM '${cid}' not found`);
export const diskNotFound = (cid: string): CloudError =>
  new CloudError('DiskNotFound', `Disk '${cid}' not found`);
export const diskNotAttached = (vm: string, disk: string): CloudError =>
  new CloudError('DiskNotAttached', `Disk '${disk}' is not attached to VM '${vm}'`);
export const stemcellNotFound = (cid: string): CloudError =>
  new CloudError('StemcellNotFound', `Stemcell '${cid}' not found`, {
    hints: [
      'upload it again: bosh upload-stemcell --fix, or create-env with a state file that does not name it',
    ],
  });
