/**
 * Port F0h, "Coprocessor Error Register": numeric errors as the PC AT reports them, by IRQ 13 (CR0.NE clear).
 * Document: 82371SB (PIIX3), order 290550-002, 2.5.5.2. Not modelled: the switch in XBCS, which QEMU lacks too.
 */
import { defineDevice } from '../../core/device.ts';
import { prop } from '../../core/props.ts';
import { ioRegion } from '../../core/region.ts';
import { bool, vmstate } from '../../core/state.ts';

export const portF0 = defineDevice({
  type: 'portF0',
  desc: 'port F0h: numeric errors',
  props: {
    /** Called with each write: the processor may get IGNNE#. */
    ignoreErrors: prop.code<() => void>(() => {}),
  },
  irqs: ['intr'],
  state: vmstate('portF0', 1, { raised: bool() }),
  isa: () => ({ ports: { portF0: 0xf0 }, irqs: { intr: 13 } }),
  create(s, { intr, ignoreErrors }) {
    const sync = (): void => intr.set(s.raised);
    const region = ioRegion('ioportF0', 1, {
      read: () => 0xffff_ffff,
      write() {
        s.raised = false;
        sync();
        ignoreErrors();
      },
    });
    return {
      regions: { portF0: region },
      sync,
      /** The processor's FERR# has become active. */
      raise(): void {
        s.raised = true;
        sync();
      },
    };
  },
});
