/** Which format an image has, by the signatures that QEMU looks for. */

interface Signature {
  readonly driver: string;
  readonly at: number;
  readonly bytes: readonly number[];
}

const text = (s: string): readonly number[] => [...s].map((char) => char.charCodeAt(0));

const SIGNATURES: readonly Signature[] = [
  { driver: 'qcow', at: 0, bytes: [...text('QFI'), 0xfb, 0, 0, 0, 1] },
  // Versions that do not exist yet are qcow2, too: they are refused by their number.
  { driver: 'qcow2', at: 0, bytes: [...text('QFI'), 0xfb] },
  { driver: 'qed', at: 0, bytes: [...text('QED'), 0] },
  { driver: 'vmdk', at: 0, bytes: text('KDMV') },
  { driver: 'vmdk', at: 0, bytes: text('COWD') },
  { driver: 'vdi', at: 0x40, bytes: [0x7f, 0x10, 0xda, 0xbe] },
  { driver: 'vpc', at: 0, bytes: text('conectix') },
  { driver: 'vhdx', at: 0, bytes: text('vhdxfile') },
  { driver: 'parallels', at: 0, bytes: text('WithoutFreeSpace') },
  { driver: 'parallels', at: 0, bytes: text('WithouFreSpacExt') },
  { driver: 'cloop', at: 0, bytes: text('#!/bin/sh\n#V2.0 Format\nmodprobe cloop') },
];

const VMDK_DESCRIPTOR = '# Disk DescriptorFile';
const DMG_TRAILER_BYTES = 512;

const startsWith = (bytes: Uint8Array, at: number, signature: readonly number[]): boolean =>
  signature.every((byte, i) => bytes[at + i] === byte);

/** The format's driver; `raw` if nothing speaks for another. `tail`: the file's last bytes, where a dmg says so. */
export function probeFormat(head: Uint8Array, tail?: Uint8Array): string {
  const found = SIGNATURES.find(({ at, bytes }) => startsWith(head, at, bytes));
  if (found !== undefined) return found.driver;
  if (isVmdkDescriptor(head)) return 'vmdk';
  if (tail !== undefined && startsWith(tail, tail.length - DMG_TRAILER_BYTES, text('koly'))) return 'dmg';
  return 'raw';
}

/** A descriptor may have other comments and empty lines before the one that says so. */
function isVmdkDescriptor(head: Uint8Array): boolean {
  for (const line of new TextDecoder().decode(head).split('\n')) {
    if (line.startsWith(VMDK_DESCRIPTOR)) return true;
    if (line.trim() !== '' && !line.startsWith('#')) return false;
  }
  return false;
}
