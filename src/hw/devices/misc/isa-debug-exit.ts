/** QEMU's isa-debug-exit: a write ends the emulator with exit status (value << 1) | 1, for guests that are tests. */
import { defineDevice } from '../../core/device.ts';
import { prop } from '../../core/props.ts';
import { ioRegion } from '../../core/region.ts';
import { vmstate } from '../../core/state.ts';

export const isaDebugExit = defineDevice({
  type: 'isa-debug-exit',
  desc: '',
  bus: 'ISA',
  props: {
    iobase: prop.u32(0x501),
    iosize: prop.u32(2),
    /** Ends the run with this status. */
    exit: prop.code<(status: number) => void>(() => {}),
  },
  irqs: [],
  state: vmstate('isa-debug-exit', 1, {}),
  isa: ({ iobase }) => ({ ports: { exit: iobase } }),
  create(_s, { iosize, exit }) {
    const region = ioRegion('isa-debug-exit', iosize, {
      read: () => 0,
      write: (_offset, value) => exit((value << 1) | 1),
    });
    return { regions: { exit: region }, sync() {} };
  },
});
