import { defineMethod } from './method.ts';

/** The newest CPI API that we speak: 3 adds tags to create_stemcell (contract 1.2). */
const cpiApiVersion = 3;

/** Asked before every other call, so it needs neither the hypervisor nor the request's context (contract 1.3). */
export const info = defineMethod({
  args: [],
  async run({ traits }) {
    return { stemcell_formats: traits.stemcellFormats, api_version: cpiApiVersion };
  },
});
