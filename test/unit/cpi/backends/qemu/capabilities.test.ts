/** What libvirt's description of a kind of VM rules out, said in BOSH's words. */
import { describe, expect, test } from 'vitest';
import { refuseMissingUefi, refuseUefiSnapshot } from '../../../../../src/cpi/backends/qemu/firmware.ts';
import { refuseUnusableModel } from '../../../../../src/cpi/backends/qemu/processor.ts';
import { CloudError } from '../../../../../src/cpi/errors.ts';

/** As libvirt 9.0 describes emulated VMs, shortened. */
const emulated = `<domainCapabilities><os supported='yes'><enum name='firmware'/></os><cpu>
  <mode name='host-passthrough' supported='no'/>
  <mode name='maximum' supported='yes'/>
  <mode name='host-model' supported='yes'/>
  <mode name='custom' supported='yes'>
    <model usable='yes' vendor='unknown'>qemu64</model>
    <model usable='yes' vendor='Intel'>Haswell-noTSX</model>
    <model usable='no' vendor='Intel'>Icelake-Server</model>
  </mode></cpu></domainCapabilities>`;

const refusal = (act: () => void) => {
  try {
    act();
    return undefined;
  } catch (error) {
    if (!(error instanceof CloudError)) throw error;
    return [error.type, error.message, ...error.hints].join('\n');
  }
};

describe('a processor', () => {
  test.each(['qemu64', 'Haswell-noTSX', 'host-model'])('%s can be had', (model) => {
    expect(refusal(() => refuseUnusableModel(model, emulated, 'qemu'))).toBeUndefined();
  });

  test.each([
    ['host-passthrough', 'it needs KVM'],
    ['host-passthrough', "'host-passthrough' is not possible for VMs that are emulated (TCG)"],
    ['Icelake-Server', "'Icelake-Server' cannot be had by VMs that are emulated (TCG)"],
    ['Haswel-noTSX', 'did you mean Haswell-noTSX?'],
    ['Haswel-noTSX', 'what can be had here: qemu64, Haswell-noTSX'],
  ])('%s cannot: %s', (model, says) => {
    const text = refusal(() => refuseUnusableModel(model, emulated, 'qemu'));
    expect(text).toContain('CloudError\ncloud_properties.cpu_model: ');
    expect(text).toContain(says);
  });
});

describe('UEFI', () => {
  test('that is not installed is refused with the package’s name', () => {
    const text = refusal(() => refuseMissingUefi(emulated, 'q35'));
    expect(text).toMatch(/^CloudError\ncloud_properties\.firmware: .* machine type q35\n.*ovmf.*edk2-ovmf/);
    const withUefi = emulated.replace("'firmware'/>", "'firmware'><value>efi</value></enum>");
    expect(refusal(() => refuseMissingUefi(withUefi, 'q35'))).toBeUndefined();
  });

  test.each([
    ['chosen by libvirt', `<os firmware='efi'/>`, true],
    ['named', `<os><loader type='pflash'>/x</loader><nvram>/y</nvram></os>`, true],
    ['with variables in qcow2', `<os firmware='efi'><nvram format='qcow2'>/y</nvram></os>`, false],
    ['not there', '<os><boot dev="hd"/></os>', false],
  ])('%s: snapshots are refused beforehand: %s', (_, os, refused) => {
    const text = refusal(() => refuseUefiSnapshot(`<domain>${os}</domain>`, 'vm-1'));
    expect(text === undefined).toBe(!refused);
    if (refused) expect(text).toMatch(/^NotSupported\nVM vm-1 boots by UEFI.*\n.*firmware: bios/);
  });
});
