/** The codec's registers. Document: Intel, Audio Codec '97, revision 2.3, §5.7. */

export const CODEC_BYTES = 0x80;
const REG = {
  RESET: 0x00,
  MASTER: 0x02,
  PCM_OUT: 0x18,
  RECORD_SELECT: 0x1a,
  RECORD_GAIN: 0x1c,
  POWERDOWN: 0x26,
  EXTENDED_ID: 0x28,
  EXTENDED_CONTROL: 0x2a,
  FRONT_RATE: 0x2c,
  INPUT_RATE: 0x32,
  MIC_RATE: 0x34,
  VENDOR_ID1: 0x7c,
  VENDOR_ID2: 0x7e,
} as const;
const MUTE = 0x8000;
/** Extended Audio Status and Control: variable rates of the DAC and ADC, and of the microphone's. */
const VARIABLE_RATE = 0x01;
const VARIABLE_MIC_RATE = 0x08;
const FIXED_RATE = 48_000;
/** What a codec with variable rates must take, §5.8.3. */
const MIN_RATE = 8000;
const MAX_RATE = 48_000;

/** Bits that a guest can change; all of them where nothing is said. */
const WRITABLE: Readonly<Record<number, number>> = {
  [REG.RESET]: 0,
  [REG.MASTER]: 0xbf3f,
  [REG.PCM_OUT]: 0x9f1f,
  [REG.RECORD_SELECT]: 0x0707,
  [REG.RECORD_GAIN]: 0x8f0f,
  [REG.POWERDOWN]: 0x7ff0,
  [REG.EXTENDED_ID]: 0,
  [REG.VENDOR_ID1]: 0,
  [REG.VENDOR_ID2]: 0,
};
/** Volumes of what is not there, and others that a STAC9700 has not. */
const isAbsent = (register: number): boolean =>
  (register >= 0x04 && register <= 0x16) ||
  (register >= 0x1e && register <= 0x22) ||
  register === 0x6c ||
  register === 0x6e;

const DEFAULTS: Readonly<Record<number, number>> = {
  [REG.MASTER]: MUTE,
  [REG.PCM_OUT]: 0x8808,
  [REG.RECORD_GAIN]: 0x8808,
  [REG.POWERDOWN]: 0x000f, // all sections ready
  [REG.EXTENDED_ID]: 0x0809, // variable rates; primary codec
  [REG.EXTENDED_CONTROL]: 0x0009,
  [REG.FRONT_RATE]: FIXED_RATE,
  46: FIXED_RATE,
  48: FIXED_RATE,
  [REG.INPUT_RATE]: FIXED_RATE,
  [REG.MIC_RATE]: FIXED_RATE,
  [REG.VENDOR_ID1]: 0x8384,
  [REG.VENDOR_ID2]: 0x7600,
};

/** Steps of 1.5 dB. */
const attenuation = (steps: number): number => 10 ** ((-1.5 * steps) / 20);

export class Codec {
  private readonly registers: number[];

  constructor(registers: number[]) {
    this.registers = registers;
  }

  reset(): void {
    this.registers.fill(0);
    for (const [register, value] of Object.entries(DEFAULTS)) this.registers[Number(register) / 2] = value;
  }

  read(offset: number): number {
    return this.at(offset);
  }

  write(offset: number, value: number): void {
    if (offset >= CODEC_BYTES || isAbsent(offset)) return;
    if (offset === REG.RESET) {
      this.reset();
      return;
    }
    if (isRate(offset)) {
      if (this.at(REG.EXTENDED_CONTROL) & (offset === REG.MIC_RATE ? VARIABLE_MIC_RATE : VARIABLE_RATE)) {
        this.set(offset, Math.max(MIN_RATE, Math.min(MAX_RATE, value)));
      }
      return;
    }
    const mask = WRITABLE[offset] ?? 0xffff;
    this.set(offset, (this.at(offset) & ~mask) | (value & mask));
    if (offset === REG.EXTENDED_CONTROL) this.fixRates();
  }

  get outputRate(): number {
    return this.at(REG.FRONT_RATE) || FIXED_RATE;
  }
  get inputRate(): number {
    return this.at(REG.INPUT_RATE) || FIXED_RATE;
  }

  /** Of left and right. */
  get outputGain(): readonly [number, number] {
    const master = this.at(REG.MASTER);
    const pcm = this.at(REG.PCM_OUT);
    if ((master | pcm) & MUTE) return [0, 0];
    // PCM out counts from +12 dB, step 8 is 0 dB.
    const side = (shift: number): number =>
      Math.min(1, attenuation(((master >> shift) & 0x3f) + ((pcm >> shift) & 0x1f) - 8));
    return [side(8), side(0)];
  }

  private fixRates(): void {
    const control = this.at(REG.EXTENDED_CONTROL);
    if (!(control & VARIABLE_RATE)) {
      this.set(REG.FRONT_RATE, FIXED_RATE);
      this.set(REG.INPUT_RATE, FIXED_RATE);
    }
    if (!(control & VARIABLE_MIC_RATE)) this.set(REG.MIC_RATE, FIXED_RATE);
  }

  private at(offset: number): number {
    return this.registers[offset >> 1] ?? 0;
  }
  private set(offset: number, value: number): void {
    this.registers[offset >> 1] = value;
  }
}

const isRate = (offset: number): boolean => offset >= REG.FRONT_RATE && offset <= REG.MIC_RATE;
