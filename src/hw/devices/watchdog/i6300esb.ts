/**
 * The watchdog timer of Intel's 6300ESB I/O controller, PCI device 25ABh. Document: Intel 6300ESB Datasheet, 300641-004,
 * chapter 16. Two stages count one after the other; the first may interrupt (SMI and IRQ are not modelled, as in QEMU),
 * the end of the second is what the user hears of.
 */
import { defineDevice } from '../../core/device.ts';
import { prop } from '../../core/props.ts';
import { ioRegion } from '../../core/region.ts';
import { below, bool, bytes, survivesReset, timer, u8, u32, vmstate } from '../../core/state.ts';
import { CONFIG_BYTES } from '../pci/config.ts';
import { PciFunction } from '../pci/function.ts';

/** §16.4.16, configuration. */
const WDT_CONFIG = 0x60;
const WDT_LOCK = 0x68;
const LOCK = { LOCKED: 0x01, ENABLE: 0x02, FREE_RUN: 0x04 } as const;
const CONFIG = { PRESCALE_1MHZ: 0x04, NO_REBOOT: 0x20 } as const;

/** §16.5, memory-mapped registers. */
const REG = { PRELOAD1: 0x00, PRELOAD2: 0x04, RELOAD: 0x0c } as const;
const RELOAD_TIMER = 0x0100;
/** Bit 9; Linux's driver looks at bit 12. */
const RELOAD_TIMED_OUT = 0x1200;
const PRELOAD_MASK = 0xfffff;
/** Registers take writes only after these two, one after the other (§16.5.4). */
const UNLOCK = [0x80, 0x86] as const;
const BAR_BYTES = 16;

/** PCI clock, divided by 2^15 or 2^5. */
const PCI_HZ = 33_000_000;
const SECOND_NS = 1_000_000_000;

export const i6300esb = defineDevice({
  type: 'i6300esb',
  desc: '',
  bus: 'PCI',
  props: { watchdogExpired: prop.code<() => void>(() => {}) },
  irqs: [],
  state: vmstate('i6300esb_wdt', 1, {
    config: bytes(CONFIG_BYTES),
    timer: timer(),
    stage: below(3, 1),
    preload1: u32(PRELOAD_MASK),
    preload2: u32(PRELOAD_MASK),
    unlock: below(3),
    /** The lock register as it was accepted. */
    lock: u8(),
    timedOutBefore: survivesReset(bool()),
  }),
  create(s, { clock, watchdogExpired }) {
    const registers = ioRegion(
      'i6300esb',
      BAR_BYTES,
      {
        read: (offset) => (offset === REG.RELOAD && s.timedOutBefore ? RELOAD_TIMED_OUT : 0),
        write: (offset, value) => writeRegister(offset, value),
      },
      { impl: { min: 1, max: 4 } },
    );
    const pci = new PciFunction(s.config, {
      vendorId: 0x8086,
      deviceId: 0x25ab,
      classCode: 0x088000,
      bars: [{ index: 0, kind: 'memory', region: registers }],
    });
    const watchdog = clock.timer('i6300esb', s.timer, expired);
    const byte = (register: number): number => s.config[register] ?? 0;
    const isEnabled = (): boolean => (s.lock & LOCK.ENABLE) !== 0;

    function start(stage: 1 | 2): void {
      s.stage = stage;
      if (!isEnabled()) return;
      const divider = byte(WDT_CONFIG) & CONFIG.PRESCALE_1MHZ ? 5 : 15;
      const clocks = (stage === 1 ? s.preload1 : s.preload2) * 2 ** divider;
      watchdog.set(clock.now() + Math.floor((clocks * SECOND_NS) / PCI_HZ));
    }

    function expired(): void {
      if (s.stage === 1) {
        start(2);
        return;
      }
      if ((byte(WDT_CONFIG) & CONFIG.NO_REBOOT) === 0) {
        s.timedOutBefore = true;
        watchdogExpired();
      }
      if (s.lock & LOCK.FREE_RUN) start(1);
    }

    function writeRegister(offset: number, value: number): void {
      if (offset === REG.RELOAD && value === UNLOCK[0]) {
        s.unlock = 1;
        return;
      }
      if (offset === REG.RELOAD && value === UNLOCK[1] && s.unlock === 1) {
        s.unlock = 2;
        return;
      }
      if (s.unlock !== 2) return;
      if (offset === REG.RELOAD) {
        if (value & RELOAD_TIMER) start(1);
        if (value & RELOAD_TIMED_OUT) s.timedOutBefore = false;
      } else if (offset === REG.PRELOAD1) {
        s.preload1 = value & PRELOAD_MASK;
      } else if (offset === REG.PRELOAD2) {
        s.preload2 = value & PRELOAD_MASK;
      }
      s.unlock = 0;
    }

    pci.onWrite = (offset, size) => {
      if (offset > WDT_LOCK || offset + size <= WDT_LOCK) return;
      const wasEnabled = isEnabled();
      // What is locked stays so until a reset.
      if ((s.lock & LOCK.LOCKED) === 0) s.lock = byte(WDT_LOCK) & (LOCK.LOCKED | LOCK.ENABLE | LOCK.FREE_RUN);
      s.config[WDT_LOCK] = s.lock;
      if (isEnabled() && !wasEnabled) start(1);
      else if (!isEnabled()) watchdog.cancel();
    };

    return {
      regions: {},
      pci,
      reset: () => pci.reset(),
      sync: () => pci.sync(),
    };
  },
});
