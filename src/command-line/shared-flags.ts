import { Args, Flags } from '@oclif/core';
import { shells } from './shells.ts';

/** The environment that a command works on when nobody names one. */
export const defaultEnvironment = (): string => process.env.BOSHVIRT_ENV || 'default';

/** The environment, as a word after the command. */
export const environmentArg = {
  environment: Args.string({
    description: 'name of the environment [BOSHVIRT_ENV]',
    default: async () => defaultEnvironment(),
    defaultHelp: async () => 'default',
  }),
};

/** The same as a flag, for commands whose words mean something else. */
export const environmentFlag = {
  env: Flags.string({
    description: 'name of the environment [BOSHVIRT_ENV]',
    default: async () => defaultEnvironment(),
    defaultHelp: async () => 'default',
  }),
};

export const yesFlag = {
  yes: Flags.boolean({
    char: 'y',
    description: 'agree to everything that would be asked',
    env: 'BOSHVIRT_YES',
  }),
};

/** A person's own word on a manifest, as bosh takes it. */
export const overlayFlags = {
  'ops-file': Flags.string({
    char: 'o',
    multiple: true,
    multipleNonGreedy: true,
    description: 'ops-file, applied last',
  }),
  var: Flags.string({
    char: 'v',
    multiple: true,
    multipleNonGreedy: true,
    description: 'variable: name=value',
  }),
  'vars-file': Flags.string({
    char: 'l',
    multiple: true,
    multipleNonGreedy: true,
    description: 'variables from a YAML file',
  }),
};

/** Of commands that print variables for a shell. */
export const shellFlags = {
  shell: Flags.string({
    options: [...shells],
    default: 'bash',
    description: 'whose syntax',
    env: 'BOSHVIRT_SHELL',
  }),
  unset: Flags.boolean({ description: 'lines that take the variables away again' }),
};
