/**
 * Two Intel 8259A interrupt controllers in cascade, as on a PC, with the edge/level registers that PIIX3 adds.
 * § names: Intel 8259A data sheet, order 231468-003; ELCR: 82371SB (PIIX3), order 290550-002, 2.5.4.
 * Not modelled: MCS-80/85 mode, and the timing within an acknowledge cycle. Details follow QEMU's i8259, but for one:
 * after ICW1 QEMU forgets the levels of the inputs, so that a device which repeats its level makes an edge. Here they
 * are kept, as the data sheet has it; otherwise a machine would see an edge because it was saved and loaded.
 */
import { defineDevice } from '../../core/device.ts';
import type { IrqLine } from '../../core/irq.ts';
import { BYTE_WIDE, ioRegion } from '../../core/region.ts';
import { below, bool, type StateOf, struct, u8, vmstate } from '../../core/state.ts';

const chip = struct({
  lastIrr: u8(), // the levels of the inputs, for edge detection
  irr: u8(),
  imr: u8(),
  isr: u8(),
  priorityAdd: below(8), // the input of the highest priority
  irqBase: u8(), // ICW2: vector of input 0
  readIsr: bool(), // OCW3.RIS
  poll: bool(),
  specialMask: bool(),
  /** The next initialisation word that a write to the odd port means: 0 none (OCW1), 1 ICW2, 2 ICW3, 3 ICW4. */
  initState: below(4),
  autoEoi: bool(),
  rotateOnAutoEoi: bool(),
  specialFullyNested: bool(),
  init4: bool(), // ICW1.IC4
  singleMode: bool(),
  elcr: u8(),
});
type Chip = StateOf<{ chip: typeof chip }>['chip'];

const state = vmstate('i8259', 1, { master: chip, slave: chip });

const CASCADE = 2; // the master's input from the slave
const ICW1 = 0x10;
const OCW3 = 0x08;
const ELCR_MASK = { master: 0xf8, slave: 0xde } as const; // IRQ 0, 1, 2, 8 and 13 are always edge-triggered

export const i8259 = defineDevice({
  type: 'isa-i8259',
  desc: 'i8259 interrupt controller pair',
  props: {},
  irqs: ['intr'],
  state,
  isa: () => ({ ports: { master: 0x20, slave: 0xa0, elcrMaster: 0x4d0, elcrSlave: 0x4d1 } }),
  create(s, { intr, log }) {
    const { master, slave } = s;

    function setInput(c: Chip, n: number, level: boolean): void {
      const mask = 1 << n;
      const rises = level && !(c.lastIrr & mask);
      if (c.elcr & mask) c.irr = level ? c.irr | mask : c.irr & ~mask;
      else if (rises) c.irr |= mask;
      c.lastIrr = level ? c.lastIrr | mask : c.lastIrr & ~mask;
    }

    /** The rank of the highest of these inputs, 0 first; 8 if there is none. */
    function rank(c: Chip, inputs: number): number {
      let n = 0;
      while (n < 8 && !(inputs & (1 << ((n + c.priorityAdd) & 7)))) n++;
      return n;
    }

    /** The input to be served now, or -1. §"Fully Nested Mode". */
    function requested(c: Chip): number {
      const wanted = rank(c, c.irr & ~c.imr);
      if (wanted === 8) return -1;
      let inService = c.isr;
      if (c.specialMask) inService &= ~c.imr;
      // Special fully nested mode: the slave may interrupt its own service.
      if (c.specialFullyNested && c === master) inService &= ~(1 << CASCADE);
      return wanted < rank(c, inService) ? (wanted + c.priorityAdd) & 7 : -1;
    }

    function update(): void {
      setInput(master, CASCADE, requested(slave) >= 0);
      intr.set(requested(master) >= 0);
    }

    function acknowledge(c: Chip, n: number): void {
      if (!c.autoEoi) c.isr |= 1 << n;
      else if (c.rotateOnAutoEoi) c.priorityAdd = (n + 1) & 7;
      if (!(c.elcr & (1 << n))) c.irr &= ~(1 << n); // a level-triggered request lasts as long as the level
    }

    /** The CPU's acknowledge cycles: the vector. Without a request the spurious input 7 answers. */
    function ack(): number {
      const n = requested(master);
      if (n < 0) {
        update();
        return master.irqBase + 7;
      }
      acknowledge(master, n);
      let vector = master.irqBase + n;
      if (n === CASCADE) {
        const m = requested(slave);
        if (m >= 0) acknowledge(slave, m);
        vector = slave.irqBase + (m < 0 ? 7 : m);
      }
      update();
      return vector;
    }

    /** §"Initialization Command Words": ICW1 clears everything but the trigger modes and the levels of the inputs. */
    function initialise(c: Chip, value: number): void {
      const { elcr, lastIrr, irr } = c;
      chip.assign(c, chip.fresh());
      c.elcr = elcr;
      c.lastIrr = lastIrr; // an edge-triggered input that is high must fall before it counts again
      c.irr = irr & elcr;
      c.initState = 1;
      c.init4 = (value & 1) !== 0;
      c.singleMode = (value & 2) !== 0;
      if (c.singleMode) log('unimp', 'i8259: single mode not supported');
      if (value & 8) log('unimp', 'i8259: level sensitive irq not supported');
    }

    function writeOcw2(c: Chip, value: number): void {
      const level = value & 7;
      switch (value >> 5) {
        case 0:
        case 4: // rotate in automatic EOI mode: clear, set
          c.rotateOnAutoEoi = value >> 5 === 4;
          break;
        case 1:
        case 5: {
          // non-specific EOI, without and with rotation
          const n = rank(c, c.isr);
          if (n === 8) break;
          const served = (n + c.priorityAdd) & 7;
          c.isr &= ~(1 << served);
          if (value >> 5 === 5) c.priorityAdd = (served + 1) & 7;
          break;
        }
        case 3: // specific EOI
          c.isr &= ~(1 << level);
          break;
        case 6: // set priority
          c.priorityAdd = (level + 1) & 7;
          break;
        case 7: // rotate on specific EOI
          c.isr &= ~(1 << level);
          c.priorityAdd = (level + 1) & 7;
          break;
        default: // 2: no operation
      }
    }

    function writeCommand(c: Chip, value: number): void {
      if (value & ICW1) {
        initialise(c, value);
      } else if (value & OCW3) {
        if (value & 0x04) c.poll = true;
        if (value & 0x02) c.readIsr = (value & 1) !== 0;
        if (value & 0x40) c.specialMask = (value & 0x20) !== 0;
      } else {
        writeOcw2(c, value);
      }
    }

    function writeData(c: Chip, value: number): void {
      switch (c.initState) {
        case 0:
          c.imr = value;
          break;
        case 1:
          c.irqBase = value & 0xf8;
          c.initState = c.singleMode ? (c.init4 ? 3 : 0) : 2;
          break;
        case 2:
          c.initState = c.init4 ? 3 : 0; // ICW3: the cascade is wired as on a PC, whatever it says
          break;
        default:
          c.specialFullyNested = (value & 0x10) !== 0;
          c.autoEoi = (value & 0x02) !== 0;
          c.initState = 0;
      }
    }

    /** §"Poll Command": the read is the acknowledge. */
    function pollRead(c: Chip): number {
      c.poll = false;
      const n = requested(c);
      if (n < 0) return 0;
      acknowledge(c, n);
      return n | 0x80;
    }

    const chipRegion = (name: string, c: Chip) =>
      ioRegion(
        name,
        2,
        {
          read(offset) {
            const value = c.poll ? pollRead(c) : offset === 1 ? c.imr : c.readIsr ? c.isr : c.irr;
            update();
            return value;
          },
          write(offset, value) {
            if (offset === 0) writeCommand(c, value);
            else writeData(c, value);
            update();
          },
        },
        BYTE_WIDE,
      );

    const elcrRegion = (name: string, c: Chip, mask: number) =>
      ioRegion(
        name,
        1,
        {
          read: () => c.elcr,
          write(_offset, value) {
            c.elcr = value & mask;
          },
        },
        BYTE_WIDE,
      );

    /** ISA interrupt inputs 0 to 15; input 2 is the cascade and is not connected. */
    const inputs: readonly IrqLine[] = Array.from({ length: 16 }, (_, irq) => ({
      set(level: boolean) {
        if (irq === CASCADE) return;
        setInput(irq < 8 ? master : slave, irq & 7, level);
        update();
      },
    }));

    return {
      regions: {
        master: chipRegion('pic', master),
        slave: chipRegion('pic', slave),
        elcrMaster: elcrRegion('elcr', master, ELCR_MASK.master),
        elcrSlave: elcrRegion('elcr', slave, ELCR_MASK.slave),
      },
      sync: () => intr.set(requested(master) >= 0),
      inputs,
      ack,
    };
  },
});
