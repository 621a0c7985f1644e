/**
 * Port 61h of the PC AT: gate of the timer's channel 2, loudspeaker, memory-refresh toggle.
 * Document: 82371SB (PIIX3), order 290550-002, 2.5.3.1 "NMI Status and Control Register".
 * Not modelled: parity and IOCHK# errors (bits 2, 3, 6, 7). Bit 4 follows guest time, where QEMU flips it at each read.
 */
import { type AudioOut, silence } from '../../../audio/api.ts';
import { ticksAt, timeOfTick } from '../../core/clock.ts';
import { defineDevice } from '../../core/device.ts';
import { prop } from '../../core/props.ts';
import { BYTE_WIDE, ioRegion } from '../../core/region.ts';
import { bool, i64, ranged, timer, vmstate } from '../../core/state.ts';

/** What this port needs of the interval timer. */
export interface SpeakerTimer {
  setGate(channel: number, level: boolean): void;
  gate(channel: number): boolean;
  out(channel: number): boolean;
  outAt(channel: number, ns: number): boolean;
  onBeforeChange(callback: () => void): void;
}

const SPEAKER_CHANNEL = 2;
/** The refresh request comes every 18 ticks of 1.193182 MHz (15.1 us); the bit flips with each. */
const REFRESH_HZ = 1_193_182;
const REFRESH_TICKS = 18;

const RATE = 44_100;
/** The loudspeaker's level when it is on; a quarter of full scale. */
const LEVEL = 0x2000;
const PIECE_NS = 10_000_000;
/** After the speaker was switched off it is still heard for so long: guests make sounds by switching it quickly. */
const LINGER_NS = 100_000_000;
const MAX_NS = 2 ** 52;

export const port61 = defineDevice({
  type: 'isa-pcspk',
  desc: 'PC speaker',
  props: {
    iobase: prop.u32(0x61),
    pit: prop.required<SpeakerTimer>(),
    audio: prop.code<AudioOut>(silence),
  },
  irqs: [],
  state: vmstate('pcspk', 2, {
    dataOn: bool(),
    /** Up to here the sound is made; -1: the speaker is silent. */
    soundNs: ranged(i64(-1), -1, MAX_NS),
    lastOnNs: ranged(i64(), 0, MAX_NS),
    sounding: timer(),
  }),
  isa: ({ iobase }) => ({ ports: { port61: iobase } }),
  create(s, { id, clock, pit, audio }) {
    const voice = audio.voice(id);
    const sounding = clock.timer(id, s.sounding, piece);
    pit.onBeforeChange(makeSound);

    function piece(): void {
      makeSound();
      if (s.dataOn) s.lastOnNs = clock.now();
      if (clock.now() - s.lastOnNs < LINGER_NS) sounding.set(clock.now() + PIECE_NS);
      else s.soundNs = -1;
    }
    /** Makes the sound up to now, with the speaker as it is. */
    function makeSound(): void {
      if (s.soundNs < 0) return;
      const now = clock.now();
      const first = ticksAt(Math.max(s.soundNs, now - LINGER_NS), RATE);
      const samples = new Int16Array(2 * Math.max(0, ticksAt(now, RATE) - first));
      if (s.dataOn) {
        for (let i = 0; i < samples.length; i += 2) {
          const level = pit.outAt(SPEAKER_CHANNEL, timeOfTick(first + i / 2, RATE)) ? LEVEL : 0;
          samples[i] = level;
          samples[i + 1] = level;
        }
      }
      s.soundNs = now;
      if (samples.length > 0) voice.write(samples, RATE);
    }

    const region = ioRegion(
      'pcspk',
      1,
      {
        read() {
          const refresh = Math.floor(ticksAt(clock.now(), REFRESH_HZ) / REFRESH_TICKS) & 1;
          const gate = pit.gate(SPEAKER_CHANNEL) ? 1 : 0;
          return gate | (s.dataOn ? 2 : 0) | (refresh << 4) | (pit.out(SPEAKER_CHANNEL) ? 0x20 : 0);
        },
        write(_offset, value) {
          makeSound();
          pit.setGate(SPEAKER_CHANNEL, (value & 1) !== 0);
          s.dataOn = (value & 2) !== 0;
          if (!s.dataOn) return;
          s.lastOnNs = clock.now();
          if (s.soundNs >= 0) return;
          s.soundNs = clock.now();
          sounding.set(clock.now() + PIECE_NS);
        },
      },
      BYTE_WIDE,
    );
    return { regions: { port61: region }, sync() {} };
  },
});
