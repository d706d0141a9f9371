import { containerForm } from './container-form.ts';
import type { ProbeForm } from './probe-form.ts';
import { vmForm } from './vm-form.ts';

/** The forms that there are, by the name that people use. */
export const probeForms = { vm: vmForm, container: containerForm } as const satisfies Record<
  string,
  ProbeForm
>;

export type ProbeFormName = keyof typeof probeForms;
