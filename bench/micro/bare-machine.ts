/** A processor, memory and the first serial line: enough for the freestanding guest, and nothing else to measure. */
import { CPU_MODELS } from '../../src/cpu/isa/x86/cpuid.ts';
import { createLogger } from '../../src/vm/logging.ts';
import { X86Processor } from '../../src/vm/x86/processor.ts';

const COM1 = 0x3f8;
const LINE_STATUS = COM1 + 5;
const TRANSMITTER_EMPTY = 0x60;
/** Selectors and descriptors of the multiboot convention; the guest loads its own at once. */
const BOOT_CODE = 0x08;
const BOOT_DATA = 0x10;

const unexpected = (what: string): never => {
  throw new Error(`the freestanding guest ${what}, which this machine does not have`);
};

/** A processor at the entry of a 32-bit ELF program; `onSerial` hears what that writes. */
export function bareMachine(elf: Uint8Array, ramBytes: number, onSerial: (byte: number) => void): X86Processor {
  const model = CPU_MODELS.find(({ name }) => name === 'pentium2');
  if (model === undefined) throw new Error('BUG: no CPU model pentium2');
  const processor = new X86Processor({
    model,
    backingBytes: ramBytes,
    mode: 'jit',
    codeBytes: undefined,
    env: {
      ioRead: (port) => (port === LINE_STATUS ? TRANSMITTER_EMPTY : unexpected(`read port ${port}`)),
      ioWrite: (port, _size, value) => (port === COM1 ? onSerial(value) : unexpected(`wrote port ${port}`)),
      acknowledgeInterrupt: () => unexpected('took an interrupt'),
      clockLine: () => ({ baseNs: 0, baseCount: 0, rate: 1024 }),
    },
    mmioRead: (address) => unexpected(`read ${address}`),
    mmioWrite: (address) => unexpected(`wrote ${address}`),
    profile: { translationNs: 0, devicesNs: 0 },
    logger: createLogger([], undefined),
    nowNs: () => 0,
  });
  const { memory, exec } = processor.engine;
  memory.mapRam(0, ramBytes, 0, false);
  exec.tlb_flush();
  const eip = loadElf(elf, memory.backing);
  const gdt = { base: 0, limit: 0 };
  processor.reset({ flatProtected: true, eip, regs: {}, gdt, codeSelector: BOOT_CODE, dataSelector: BOOT_DATA });
  processor.setA20(true);
  return processor;
}

/** Copies the loadable segments of a 32-bit ELF file (System V ABI, chapter 5); returns the entry. */
function loadElf(elf: Uint8Array, ram: Uint8Array): number {
  const view = new DataView(elf.buffer, elf.byteOffset, elf.byteLength);
  const [entry, headers] = [view.getUint32(24, true), view.getUint32(28, true)];
  const [size, count] = [view.getUint16(42, true), view.getUint16(44, true)];
  for (let header = headers; header < headers + size * count; header += size) {
    const isLoadable = view.getUint32(header, true) === 1;
    const [offset, physical, bytes] = [4, 12, 16].map((at) => view.getUint32(header + at, true)) as [
      number,
      number,
      number,
    ];
    if (isLoadable) ram.set(elf.subarray(offset, offset + bytes), physical);
  }
  return entry;
}
