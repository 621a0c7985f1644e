/** Which format an image has, from its first bytes: signatures as QEMU looks for them. */
const text = (s: string): readonly number[] => [...s].map((char) => char.charCodeAt(0));

const SIGNATURES: readonly { readonly driver: string; readonly at: number; readonly bytes: readonly number[] }[] = [
  { driver: 'qcow2', at: 0, bytes: [...text('QFI'), 0xfb, 0, 0, 0, 2] },
  { driver: 'qcow2', at: 0, bytes: [...text('QFI'), 0xfb, 0, 0, 0, 3] },
  { driver: 'qcow', at: 0, bytes: [...text('QFI'), 0xfb, 0, 0, 0, 1] },
  { driver: 'qed', at: 0, bytes: [...text('QED'), 0] },
  { driver: 'vmdk', at: 0, bytes: text('KDMV') },
  { driver: 'vmdk', at: 0, bytes: text('COWD') },
  { driver: 'vmdk', at: 0, bytes: text('# Disk DescriptorFile') },
  { driver: 'vdi', at: 0x40, bytes: [0x7f, 0x10, 0xda, 0xbe] },
  { driver: 'vpc', at: 0, bytes: text('conectix') },
  { driver: 'vhdx', at: 0, bytes: text('vhdxfile') },
  { driver: 'parallels', at: 0, bytes: text('WithoutFreeSpace') },
  { driver: 'parallels', at: 0, bytes: text('WithouFreSpacExt') },
  { driver: 'cloop', at: 0, bytes: text('#!/bin/sh\n#V2.0 Format\nmodprobe cloop') },
];

/** The format's driver; `raw` if nothing speaks for another. */
export function probeFormat(head: Uint8Array): string {
  const found = SIGNATURES.find(({ at, bytes }) => bytes.every((byte, i) => head[at + i] === byte));
  return found?.driver ?? 'raw';
}
