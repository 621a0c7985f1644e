/**
 * QEMU's pvpanic: the guest's kernel reports its panic at a port. Document: QEMU docs/specs/pvpanic.txt.
 * Firmware is told the port by a file; ACPI names it as a device.
 */
import { defineDevice } from '../../core/device.ts';
import { prop } from '../../core/props.ts';
import { BYTE_WIDE, ioRegion } from '../../core/region.ts';
import { vmstate } from '../../core/state.ts';

/** Also what reads give: the events that are known. */
const PANICKED = 0x01;

export const pvpanic = defineDevice({
  type: 'pvpanic',
  desc: '',
  bus: 'ISA',
  props: {
    ioport: prop.u16(0x505),
    reportPanic: prop.code<() => void>(() => {}),
  },
  irqs: [],
  state: vmstate('pvpanic', 1, {}),
  isa: ({ ioport }) => ({ ports: { pvpanic: ioport } }),
  create(_s, { ioport, reportPanic, id, log }) {
    return {
      regions: {
        pvpanic: ioRegion(
          'pvpanic',
          1,
          {
            read: () => PANICKED,
            write(_offset, event) {
              if (event & ~PANICKED) log('guest_errors', `${id}: unknown event 0x${event.toString(16)}`);
              if (event & PANICKED) reportPanic();
            },
          },
          BYTE_WIDE,
        ),
      },
      firmwareFiles: { 'etc/pvpanic-port': { bytes: Uint8Array.of(ioport & 0xff, ioport >> 8) } },
      sync() {},
    };
  },
});
