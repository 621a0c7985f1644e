/**
 * Port 92h, "System Control Port A" of the PS/2: fast A20 gate and fast reset.
 * Document: 82371SB (PIIX3), order 290550-002, 2.5.3.3. Not modelled: the lock of the password bytes, the disk light.
 */
import { defineDevice } from '../../core/device.ts';
import { prop } from '../../core/props.ts';
import { BYTE_WIDE, ioRegion } from '../../core/region.ts';
import { u8, vmstate } from '../../core/state.ts';

const RESET = 1;
const A20 = 2;

export const port92 = defineDevice({
  type: 'port92',
  desc: 'port 92h: fast A20 and reset',
  props: { systemReset: prop.code<() => void>(() => {}) },
  irqs: ['a20'],
  state: vmstate('port92', 1, { outPort: u8() }),
  isa: () => ({ ports: { port92: 0x92 } }),
  create(s, { a20, systemReset }) {
    const sync = () => a20.set((s.outPort & A20) !== 0);
    const region = ioRegion(
      'port92',
      1,
      {
        read: () => s.outPort,
        write(_offset, value) {
          const rises = (value & ~s.outPort & RESET) !== 0;
          s.outPort = value;
          sync();
          if (rises) systemReset();
        },
      },
      BYTE_WIDE,
    );
    return { regions: { port92: region }, sync };
  },
});
