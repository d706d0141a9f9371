/**
 * What a guest can be made of, settings and all; the director is told. A google stemcell's raw disk can be imported too, but its
 * agent asks a metadata server for its settings (contract 2.2), so it is not among them.
 */
export const stemcellFormats = ['openstack-qcow2', 'openstack-raw', 'vsphere-ovf', 'vsphere-ova'] as const;
