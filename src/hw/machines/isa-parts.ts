import type { Part } from './machine.ts';

/** What stands on the ISA bus of every PC. The types themselves know their ports and interrupts. */
export const interruptController: Part = { id: 'pic', type: 'isa-i8259' };

export const isaParts: readonly Part[] = [
  { id: 'a20', type: 'a20-gate' },
  { id: 'dma', type: 'isa-i8257' },
  { id: 'fdc', type: 'isa-fdc', links: { dmaController: 'dma' } },
  { id: 'pit', type: 'isa-pit', outputs: { out0: 'hpet.pitInput' } },
  { id: 'pcspk', type: 'isa-pcspk', links: { pit: 'pit' } },
  { id: 'rtc', type: 'mc146818rtc', outputs: { intr: 'hpet.rtcInput' } },
  { id: 'boot-order', type: 'boot-order', links: { rtc: 'rtc' } },
  { id: 'input', type: 'input-routing' },
  { id: 'keyboard', type: 'ps2-kbd' },
  { id: 'mouse', type: 'ps2-mouse' },
  { id: 'i8042', type: 'i8042', links: { keyboard: 'keyboard.port', mouse: 'mouse.port' } },
  { id: 'port92', type: 'port92' },
  { id: 'port80', type: 'port80' },
  { id: 'portF0', type: 'portF0' },
  { id: 'fw_cfg', type: 'fw_cfg_io' },
];
