import { prop } from '../../core/props.ts';

const MAX_MIB = 256;

/** As QEMU: rounded up to a power of two, within limits. */
export const videoMemoryBytes = (mib: number): number =>
  2 ** Math.ceil(Math.log2(Math.min(Math.max(mib, 1), MAX_MIB))) * 2 ** 20;

export const vgamem = prop.u32(16, 'video memory, MiB');
