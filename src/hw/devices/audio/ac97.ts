/**
 * 82801AA (ICH) AC'97 audio controller with a SigmaTel STAC9700 codec. Documents: Intel 290655-003, chapter 13 ("AC '97
 * Audio Controller Registers"); Intel, Audio Codec '97, revision 2.3.
 * Not modelled: surround channels, the modem, inputs (they hear silence), volumes other than master and PCM out.
 */
import { type AudioOut, silence } from '../../../audio/api.ts';
import { defineDevice } from '../../core/device.ts';
import type { Dma } from '../../core/dma.ts';
import { prop } from '../../core/props.ts';
import { ioRegion } from '../../core/region.ts';
import { array, bytes, u8, u16, u32, vmstate } from '../../core/state.ts';
import { CONFIG_BYTES, STATUS } from '../pci/config.ts';
import { PciFunction } from '../pci/function.ts';
import { BusMaster, busMasterState } from './ac97-bus-master.ts';
import { CODEC_BYTES, Codec } from './ac97-codec.ts';

/** Table 13-4: the channels' registers, 16 bytes each, then the global ones. */
const CHANNEL_BYTES = 0x10;
const NAMES = ['pi', 'po', 'mc'] as const;
const PCM_OUT = 1;
const GLOBAL = { CONTROL: 0x2c, STATUS: 0x30, ACCESS: 0x34 } as const;
const CONTROL_MASK = 0x3f;
/** GLOB_CNT: AC '97 cold reset# and warm reset. */
const COLD_RESET = 0x02;
const WARM_RESET = 0x04;
const CODEC_READY = 0x100;
/** GLOB_STA: a channel interrupts. */
const CHANNEL_STATUS = [0x20, 0x40, 0x80] as const;
/** GLOB_STA bits that are cleared by writing ones: resume and read completion. */
const STATUS_CLEARED = 0x8c00;

export const ac97 = defineDevice({
  type: 'AC97',
  desc: 'Intel 82801AA AC97 Audio',
  bus: 'PCI',
  props: { dma: prop.required<Dma>(), audio: prop.code<AudioOut>(silence), audiodev: prop.string('') },
  irqs: [],
  state: vmstate('ac97', 3, {
    config: bytes(CONFIG_BYTES),
    codec: array(CODEC_BYTES / 2, u16()),
    channels: array(NAMES.length, busMasterState),
    globalControl: u32(),
    globalStatus: u32(),
    /** Codec Access Semaphore. */
    access: u8(),
  }),
  create(s, { id, clock, dma, audio, log }) {
    const voice = audio.voice(id);
    const codec = new Codec(s.codec);
    const channels = s.channels.map(
      (state, n) =>
        new BusMaster(`${id}.${NAMES[n]}`, state, {
          clock,
          dma,
          rate: () => (n === PCM_OUT ? codec.outputRate : codec.inputRate),
          isInput: n !== PCM_OUT,
          play,
          changed: updateInterrupt,
        }),
    );

    function play(samples: Int16Array, rate: number): void {
      const [left, right] = codec.outputGain;
      if (left !== 1 || right !== 1) {
        for (let i = 0; i + 1 < samples.length; i += 2) {
          samples[i] = (samples[i] ?? 0) * left;
          samples[i + 1] = (samples[i + 1] ?? 0) * right;
        }
      }
      voice.write(samples, rate);
    }
    function updateInterrupt(): void {
      for (const [n, channel] of channels.entries()) {
        const bit = CHANNEL_STATUS[n] ?? 0;
        s.globalStatus = channel.interrupts ? s.globalStatus | bit : s.globalStatus & ~bit;
      }
      pci.intx.set(channels.some(({ interrupts }) => interrupts));
    }

    const mixer = ioRegion(
      'ac97-nam',
      0x400,
      {
        read(offset) {
          s.access = 0;
          return codec.read(offset);
        },
        write(offset, value) {
          s.access = 0;
          for (const channel of channels) channel.settle(); // what was due sounds as it did
          codec.write(offset, value);
        },
      },
      { valid: { min: 1, max: 4 }, impl: { min: 2, max: 2 } },
    );
    const busMaster = ioRegion(
      'ac97-nabm',
      0x100,
      { read: readMaster, write: writeMaster },
      { valid: { min: 1, max: 4 } },
    );

    function readMaster(offset: number, size: number): number {
      const channel = channels[Math.floor(offset / CHANNEL_BYTES)];
      if (channel !== undefined && offset < GLOBAL.CONTROL) return channel.read(offset % CHANNEL_BYTES, size);
      switch (offset) {
        case GLOBAL.CONTROL:
          return s.globalControl;
        case GLOBAL.STATUS:
          return (s.globalStatus | CODEC_READY) >>> 0;
        case GLOBAL.ACCESS: {
          const before = s.access;
          s.access = 1;
          return before;
        }
        default:
          log('guest_errors', `${id}: read of ${size} bytes at bus master register 0x${offset.toString(16)}`);
          return 0xff;
      }
    }
    function writeMaster(offset: number, value: number, size: number): void {
      const channel = channels[Math.floor(offset / CHANNEL_BYTES)];
      if (channel !== undefined && offset < GLOBAL.CONTROL) channel.write(offset % CHANNEL_BYTES, value, size);
      else if (offset === GLOBAL.CONTROL) {
        if (!(value & COLD_RESET) && s.globalControl & COLD_RESET) coldReset();
        s.globalControl = value & CONTROL_MASK & ~WARM_RESET; // a warm reset is over at once
      } else if (offset === GLOBAL.STATUS) s.globalStatus &= ~(value & STATUS_CLEARED);
      else if (offset !== GLOBAL.ACCESS) {
        log('guest_errors', `${id}: write of ${size} bytes at bus master register 0x${offset.toString(16)}`);
      }
    }
    function coldReset(): void {
      for (const channel of channels) channel.reset();
      codec.reset();
      updateInterrupt();
    }

    const pci = new PciFunction(s.config, {
      vendorId: 0x8086,
      deviceId: 0x2415,
      revision: 1,
      classCode: 0x040100,
      status: STATUS.FAST_BACK_TO_BACK | STATUS.DEVSEL_MEDIUM,
      interruptPin: 1,
      bars: [
        { index: 0, kind: 'io', region: mixer },
        { index: 1, kind: 'io', region: busMaster },
      ],
    });
    return {
      regions: { mixer, busMaster },
      pci,
      reset() {
        pci.reset();
        codec.reset();
        for (const channel of channels) channel.reset();
      },
      sync() {
        pci.sync();
        updateInterrupt();
      },
    };
  },
});
