/** Port 80h: firmware writes its progress there, and everybody writes to it for a short delay. Reads as all ones. */
import { defineDevice } from '../../core/device.ts';
import { prop } from '../../core/props.ts';
import { ioRegion } from '../../core/region.ts';
import { vmstate } from '../../core/state.ts';

export const port80 = defineDevice({
  type: 'port80',
  desc: 'POST code port',
  props: {
    /** Called with each power-on self-test code. */
    postCode: prop.code<(code: number) => void>(() => {}),
  },
  irqs: [],
  state: vmstate('port80', 1, {}),
  isa: () => ({ ports: { port80: 0x80 } }),
  create(_s, { postCode }) {
    const region = ioRegion('ioport80', 1, {
      read: () => 0xffff_ffff,
      write: (_offset, value) => postCode(value & 0xff),
    });
    return { regions: { port80: region }, sync() {} };
  },
});
