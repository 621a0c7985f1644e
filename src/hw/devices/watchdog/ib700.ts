/**
 * iBASE IB700 watchdog: a write to port 443h starts it, with a time from a table; port 441h stops it. Document: the
 * header of Linux's drivers/watchdog/ib700wdt.c, which quotes the board's manual.
 */
import { defineDevice } from '../../core/device.ts';
import { prop } from '../../core/props.ts';
import { BYTE_WIDE, ioRegion } from '../../core/region.ts';
import { timer, vmstate } from '../../core/state.ts';

const SECOND_NS = 1_000_000_000;
/** From value 0: 30 s, in steps of 2 s down to 0. */
const LONGEST_S = 30;
const STEP_S = 2;

export const ib700 = defineDevice({
  type: 'ib700',
  desc: '',
  bus: 'ISA',
  props: { watchdogExpired: prop.code<() => void>(() => {}) },
  irqs: [],
  state: vmstate('ib700_wdt', 1, { timer: timer() }),
  isa: () => ({ ports: { disable: 0x441, enable: 0x443 } }),
  create(s, { clock, watchdogExpired }) {
    const watchdog = clock.timer('ib700', s.timer, () => watchdogExpired());
    const register = (name: string, write: (value: number) => void) =>
      ioRegion(name, 1, { read: () => 0xff, write: (_offset, value) => write(value) }, BYTE_WIDE);
    return {
      regions: {
        disable: register('ib700-disable', () => watchdog.cancel()),
        enable: register('ib700-enable', (value) =>
          watchdog.set(clock.now() + (LONGEST_S - STEP_S * (value & 0x0f)) * SECOND_NS),
        ),
      },
      sync() {},
    };
  },
});
