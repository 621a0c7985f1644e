/** Bochs' debug port E9h (SeaBIOS writes to 402h): each byte goes to a character device; reads tell that it is there. */
import { nullChardev } from '../../../chardev/null.ts';
import { defineDevice } from '../../core/device.ts';
import { prop } from '../../core/props.ts';
import { BYTE_WIDE, ioRegion } from '../../core/region.ts';
import { vmstate } from '../../core/state.ts';

export const debugcon = defineDevice({
  type: 'isa-debugcon',
  desc: '',
  bus: 'ISA',
  props: {
    chardev: prop.link('chardev', nullChardev, 'ID of a chardev to use as a backend'),
    iobase: prop.u32(0xe9),
    readback: prop.u32(0xe9),
  },
  irqs: [],
  state: vmstate('isa-debugcon', 1, {}),
  isa: ({ iobase }) => ({ ports: { debugcon: iobase } }),
  create(_s, { chardev, readback }) {
    const region = ioRegion(
      'isa-debugcon',
      1,
      { read: () => readback & 0xff, write: (_offset, value) => chardev.write(value) },
      BYTE_WIDE,
    );
    return { regions: { debugcon: region }, sync() {} };
  },
});
