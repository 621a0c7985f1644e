/**
 * Address line 20 of a PC. Keyboard controller and port 92h both drive it; whoever changed its output last decides, as
 * in QEMU. After a reset the line is open.
 */
import { defineDevice } from '../core/device.ts';
import type { IrqLine } from '../core/irq.ts';
import { array, bool, vmstate } from '../core/state.ts';

const MAX_SOURCES = 4;

export const a20Gate = defineDevice({
  type: 'a20-gate',
  desc: 'A20 gate',
  props: {},
  irqs: ['a20'],
  state: vmstate('a20-gate', 1, { open: bool(true), sources: array(MAX_SOURCES, bool()) }),
  create(s, { a20 }) {
    let sources = 0;
    let following = true;
    const sync = (): void => a20.set(s.open);
    return {
      regions: {},
      sync,
      /** An input for one more driver. */
      connect(): IrqLine {
        const source = sources++;
        if (source >= MAX_SOURCES) throw new Error('BUG: too many drivers of A20');
        return {
          set(level) {
            if (s.sources[source] === level) return;
            s.sources[source] = level;
            if (!following) return;
            s.open = level;
            sync();
          },
        };
      },
      /** While devices repeat their outputs after a reset or a load, what they say is noted but changes nothing. */
      settle(repeatOutputs: () => void): void {
        following = false;
        try {
          repeatOutputs();
        } finally {
          following = true;
        }
      },
    };
  },
});
