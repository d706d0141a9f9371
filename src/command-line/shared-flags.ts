import { Args, Flags } from '@oclif/core';

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
