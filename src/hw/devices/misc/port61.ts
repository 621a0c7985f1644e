/**
 * Port 61h of the PC AT: gate of the timer's channel 2, loudspeaker, memory-refresh toggle.
 * Document: 82371SB (PIIX3), order 290550-002, 2.5.3.1 "NMI Status and Control Register".
 * Not modelled: parity and IOCHK# errors (bits 2, 3, 6, 7). Bit 4 follows guest time, where QEMU flips it at each read.
 */
import { ticksAt } from '../../core/clock.ts';
import { defineDevice } from '../../core/device.ts';
import { prop } from '../../core/props.ts';
import { BYTE_WIDE, ioRegion } from '../../core/region.ts';
import { bool, vmstate } from '../../core/state.ts';

/** What this port needs of the interval timer. */
export interface SpeakerTimer {
  setGate(channel: number, level: boolean): void;
  gate(channel: number): boolean;
  out(channel: number): boolean;
}

const SPEAKER_CHANNEL = 2;
/** The refresh request comes every 18 ticks of 1.193182 MHz (15.1 us); the bit flips with each. */
const REFRESH_HZ = 1_193_182;
const REFRESH_TICKS = 18;

export const port61 = defineDevice({
  type: 'isa-pcspk',
  desc: 'PC speaker',
  props: {
    iobase: prop.u32(0x61),
    pit: prop.required<SpeakerTimer>(),
    /** Called when the loudspeaker is switched on or off. */
    speaker: prop.code<(on: boolean) => void>(() => {}),
  },
  irqs: [],
  state: vmstate('pcspk', 1, { dataOn: bool() }),
  isa: ({ iobase }) => ({ ports: { port61: iobase } }),
  create(s, { clock, pit, speaker }) {
    const sync = () => speaker(s.dataOn && pit.gate(SPEAKER_CHANNEL));
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
          pit.setGate(SPEAKER_CHANNEL, (value & 1) !== 0);
          s.dataOn = (value & 2) !== 0;
          sync();
        },
      },
      BYTE_WIDE,
    );
    return { regions: { port61: region }, sync };
  },
});
