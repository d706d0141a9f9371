import { Args, Flags } from '@oclif/core';

/** The environment, as a word after the command. */
export const environmentArg = {
  environment: Args.string({
    description: 'name of the environment [BOSHVIRT_ENV]',
    default: async () => process.env.BOSHVIRT_ENV || 'default',
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
