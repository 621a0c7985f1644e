/** The CT1745 mixer. Document: Sound Blaster Series Hardware Programming Guide, chapter 4. */

export const MIXER_REGISTERS = 0x100;

const REG = {
  RESET: 0x00,
  VOICE_SBPRO: 0x04,
  OUTPUT: 0x0e,
  MASTER_SBPRO: 0x22,
  MIDI_SBPRO: 0x26,
  MASTER: 0x30,
  VOICE: 0x32,
  MIDI: 0x34,
  LAST: 0x47,
  IRQ_SETUP: 0x80,
  DMA_SETUP: 0x81,
  IRQ_STATUS: 0x82,
} as const;
const STEREO = 0x02;

/** The SB Pro's registers show the upper four bits of both sides of these. */
const SHADOWED: Readonly<Record<number, number>> = {
  [REG.VOICE_SBPRO]: REG.VOICE,
  [REG.MASTER_SBPRO]: REG.MASTER,
  [REG.MIDI_SBPRO]: REG.MIDI,
};

/** Reset values from 30h on. */
const DEFAULTS: readonly number[] = [
  ...[0xc0, 0xc0, 0xc0, 0xc0, 0xc0, 0xc0], // master, voice, MIDI: 24 of 31
  ...[0, 0, 0, 0, 0, 0], // CD, line, microphone, speaker
  ...[0x1f, 0x15, 0x0b], // switches
  ...[0, 0, 0, 0, 0], // gains, AGC
  ...[0x80, 0x80, 0x80, 0x80], // treble, bass
];

const IRQS = [2, 5, 7, 10] as const;

export class Ct1745 {
  private readonly registers: Uint8Array;
  private readonly jumpers: { readonly irq: number; readonly dma: number; readonly dma16: number };

  constructor(registers: Uint8Array, jumpers: { readonly irq: number; readonly dma: number; readonly dma16: number }) {
    this.registers = registers;
    this.jumpers = jumpers;
  }

  reset(): void {
    this.registers.fill(0);
    this.registers.set(DEFAULTS, REG.MASTER);
  }

  read(address: number, interrupts: number): number {
    const { irq, dma, dma16 } = this.jumpers;
    const shadowed = SHADOWED[address];
    if (shadowed !== undefined) return (this.at(shadowed) & 0xf0) | (this.at(shadowed + 1) >> 4);
    if (address === REG.IRQ_SETUP) return 1 << Math.max(0, IRQS.indexOf(irq as (typeof IRQS)[number]));
    if (address === REG.DMA_SETUP) return (1 << dma) | (1 << dma16);
    if (address === REG.IRQ_STATUS) return interrupts;
    return isKnown(address) ? this.at(address) : 0xff;
  }

  write(address: number, value: number): void {
    const shadowed = SHADOWED[address];
    if (address === REG.RESET) this.reset();
    else if (shadowed !== undefined) {
      this.registers[shadowed] = value & 0xf0;
      this.registers[shadowed + 1] = (value & 0x0f) << 4;
    } else if (isKnown(address)) this.registers[address] = value;
  }

  /** SB Pro: 8-bit transfers are stereo. */
  get isStereo(): boolean {
    return (this.at(REG.OUTPUT) & STEREO) !== 0;
  }

  /** Of left and right, as master and voice set them: steps of 2 dB from 31 down. */
  get gain(): readonly [number, number] {
    const side = (n: number): number => {
      const steps = 62 - (this.at(REG.MASTER + n) >> 3) - (this.at(REG.VOICE + n) >> 3);
      return 10 ** ((-2 * steps) / 20);
    };
    return [side(0), side(1)];
  }

  private at(address: number): number {
    return this.registers[address] ?? 0;
  }
}

const isKnown = (address: number): boolean =>
  (address >= REG.MASTER && address <= REG.LAST) ||
  address === REG.OUTPUT ||
  address === 0x0a ||
  address === 0x0c ||
  address === 0x28 ||
  address === 0x2e;
