/** What the backend takes, as stemcell.MF says it. */
export const stemcellFormats = ['warden-tar'] as const;
