import { containerForm } from './container-form.ts';
import type { ProbeFormName } from './guest-parts.ts';
import type { ProbeForm } from './probe-form.ts';
import { vmForm } from './vm-form.ts';

/** The forms that there are, by the name that people use. */
export const probeForms: Readonly<Record<ProbeFormName, ProbeForm>> = {
  vm: vmForm,
  container: containerForm,
};

/** The form for a CPI that takes stemcells of these formats, or undefined if there is none. */
export function probeFormFor(formats: readonly string[]): ProbeFormName | undefined {
  const names = Object.keys(probeForms) as ProbeFormName[];
  return names.find((name) => probeForms[name].stemcellFormats.some((format) => formats.includes(format)));
}
