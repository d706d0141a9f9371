/**
 * Where links with short names stand to devices and images of ours, for programs that take no long path. It lies in memory as
 * devices do: a reboot empties it.
 */
export const deviceLinks = '/dev/boshvirt';
