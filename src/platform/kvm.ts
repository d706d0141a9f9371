/**
 * Whether guests can run on KVM. libvirt offers it wherever /dev/kvm can be opened, also in virtual machines whose processor
 * has no virtualization: there a guest hangs without a word (host.md 1). So the processor's flags have to say so too.
 * `cpuinfo` is the text of /proc/cpuinfo, or undefined for another machine, whose libvirt is then believed.
 */
export function kvmWorks(capabilitiesXml: string, cpuinfo: string | undefined): boolean {
  if (!/<domain type=['"]kvm['"]/.test(capabilitiesXml)) return false;
  return cpuinfo === undefined || canRunOnKvm(cpuinfo);
}

/** Whether a machine's processor has virtualization, by the text of its /proc/cpuinfo. */
export const canRunOnKvm = (cpuinfo: string): boolean => /^flags\s*:.*\b(vmx|svm)\b/m.test(cpuinfo);
