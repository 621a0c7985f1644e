/**
 * PC16550D UART. § numbers: National Semiconductor datasheet, June 1995.
 * Not modelled: line timing on output (a byte leaves at once, so the transmit FIFO is always empty), parity and framing
 * errors, DMA mode, and the gating of INTR by OUT2 that PC boards add (QEMU does not gate either).
 */
import type { CharEvent } from '../../../chardev/api.ts';
import { nullChardev } from '../../../chardev/null.ts';
import { defineDevice } from '../../core/device.ts';
import { prop } from '../../core/props.ts';
import { bits, registers } from '../../core/registers.ts';
import { bool, fifo, timer, u8, u16, vmstate } from '../../core/state.ts';

const IER = bits('RX', 'THRE', 'LINE', 'MODEM'); // §8.7
const LSR = bits('DR', 'OE', 'PE', 'FE', 'BI', 'THRE', 'TEMT'); // §8.4
const LSR_ERRORS = LSR.OE | LSR.PE | LSR.FE | LSR.BI;
const FCR = bits('ENABLE', 'CLEAR_RX', 'CLEAR_TX'); // §8.5
const FCR_STORED = 0xc9;
const IIR = { MODEM: 0, NONE: 1, THRE: 2, RX: 4, LINE: 6, TIMEOUT: 0xc } as const; // §8.6, table IV
const IIR_FIFOS = 0xc0;
const LCR_DLAB = 0x80; // §8.1
const MCR = bits('DTR', 'RTS', 'OUT1', 'OUT2', 'LOOP'); // §8.8
const MSR = bits('DCTS', 'DDSR', 'TERI', 'DDCD', 'CTS', 'DSR', 'RI', 'DCD'); // §8.9
const MSR_DELTAS = 0x0f;
const FIFO_DEPTH = 16;
const RX_TRIGGERS = [1, 4, 8, 14] as const; // FCR bits 7:6

const state = vmstate('serial', 3, {
  ier: u8(),
  fcr: u8(),
  lcr: u8(),
  mcr: u8(MCR.OUT2),
  lsr: u8(LSR.THRE | LSR.TEMT),
  msr: u8(MSR.DCD | MSR.DSR | MSR.CTS), // a back end without modem lines looks like a modem that is always ready
  scr: u8(),
  divisor: u16(12), // 9600 baud at 1.8432 MHz
  rbr: u8(), // the receive buffer while the FIFOs are off
  thrPending: bool(), // reading IIR clears the interrupt but not LSR.THRE
  timeoutPending: bool(),
  rx: fifo(FIFO_DEPTH),
  timeout: timer(),
});

const ISA_PORTS = [0x3f8, 0x2f8, 0x3e8, 0x2e8] as const;
const ISA_IRQS = [4, 3, 4, 3] as const;
const UNSET = 0xffff_ffff;

export const uart16550 = defineDevice({
  type: 'isa-serial',
  desc: '',
  bus: 'ISA',
  props: {
    baudbase: prop.u32(115200),
    chardev: prop.link('chardev', nullChardev, 'ID of a chardev to use as a backend'),
    index: prop.u32(UNSET),
    iobase: prop.u32(UNSET),
    irq: prop.u32(UNSET),
    wakeup: prop.bool(false),
  },
  irqs: ['intr'],
  state,
  isa: ({ index, iobase, irq }) => ({
    ports: { serial: iobase === UNSET ? (ISA_PORTS[index] ?? ISA_PORTS[0]) : iobase },
    irqs: { intr: irq === UNSET ? (ISA_IRQS[index] ?? ISA_IRQS[0]) : irq },
  }),
  create(s, { chardev, baudbase, clock, intr }) {
    const timeout = clock.timer('serial-fifo-timeout', s.timeout, () => {
      if (s.rx.empty) return;
      s.timeoutPending = true;
      sync();
    });
    const fifosOn = () => (s.fcr & FCR.ENABLE) !== 0;
    const trigger = () => RX_TRIGGERS[(s.fcr >> 6) as 0 | 1 | 2 | 3];

    /** The interrupt of the highest priority (table IV). */
    function cause(): number {
      if (s.ier & IER.LINE && s.lsr & LSR_ERRORS) return IIR.LINE;
      if (s.ier & IER.RX && s.timeoutPending) return IIR.TIMEOUT;
      if (s.ier & IER.RX && s.lsr & LSR.DR && (!fifosOn() || s.rx.length >= trigger())) return IIR.RX;
      if (s.ier & IER.THRE && s.thrPending) return IIR.THRE;
      if (s.ier & IER.MODEM && s.msr & MSR_DELTAS) return IIR.MODEM;
      return IIR.NONE;
    }
    const sync = () => intr.set(cause() !== IIR.NONE);

    /** A start bit, 5 to 8 data bits, parity, 1 or 2 stop bits. */
    function characterTimeNs(): number {
      const frameBits = 1 + 5 + (s.lcr & 3) + (s.lcr & 8 ? 1 : 0) + (s.lcr & 4 ? 2 : 1);
      const baud = s.divisor === 0 || s.divisor > baudbase ? 9600 : baudbase / s.divisor;
      return Math.floor((1e9 / baud) * frameBits);
    }
    /** §8.10: the timeout comes when nothing was received or read for four character times. */
    const restartTimeout = () => timeout.set(clock.now() + 4 * characterTimeNs());

    function room(): number {
      if (s.mcr & MCR.LOOP) return 0;
      if (!fifosOn()) return s.lsr & LSR.DR ? 0 : 1;
      // Up to the trigger level at once, then one by one: the guest gets its interrupt before the FIFO fills.
      return s.rx.full ? 0 : Math.max(1, trigger() - s.rx.length);
    }
    function receive(byte: number): void {
      if (fifosOn()) {
        if (!s.rx.push(byte)) s.lsr |= LSR.OE;
        restartTimeout();
      } else {
        if (s.lsr & LSR.DR) s.lsr |= LSR.OE;
        s.rbr = byte;
      }
      s.lsr |= LSR.DR;
      sync();
    }
    function onEvent(event: CharEvent): void {
      if (event !== 'break') return;
      receive(0);
      s.lsr |= LSR.BI;
      sync();
    }
    chardev.attach({ room, receive, event: onEvent });

    function readRbr(): number {
      let byte = s.rbr;
      if (fifosOn()) {
        byte = s.rx.shift();
        s.timeoutPending = false;
        if (s.rx.empty) timeout.cancel();
        else restartTimeout();
      }
      if (!fifosOn() || s.rx.empty) s.lsr &= ~(LSR.DR | LSR.BI);
      sync();
      if (!(s.mcr & MCR.LOOP)) chardev.accept();
      return byte;
    }
    function writeThr(byte: number): void {
      s.thrPending = false;
      sync(); // the interrupt of the byte before ends even though the next one follows at once
      if (s.mcr & MCR.LOOP) receive(byte);
      else chardev.write(byte);
      s.thrPending = true;
    }
    function writeIer(value: number): void {
      const changed = (s.ier ^ value) & 0x0f;
      s.ier = value & 0x0f;
      // Enabling it raises the interrupt if THR is empty. Not in the datasheet; Linux's 8250 probe relies on it.
      if (changed & IER.THRE) s.thrPending = (s.ier & IER.THRE) !== 0;
    }
    function readIir(): number {
      const now = cause();
      if (now === IIR.THRE) s.thrPending = false;
      return now | (fifosOn() ? IIR_FIFOS : 0);
    }
    function writeFcr(value: number): void {
      if (value === s.fcr) return;
      const toggled = ((value ^ s.fcr) & FCR.ENABLE) !== 0; // §8.5: switching the FIFOs on or off clears them
      if (toggled || value & FCR.CLEAR_RX) {
        s.lsr &= ~(LSR.DR | LSR.BI);
        s.rx.clear();
        s.timeoutPending = false;
        timeout.cancel();
      }
      if (toggled || value & FCR.CLEAR_TX) s.thrPending = true;
      s.fcr = value & FCR_STORED;
      chardev.accept();
    }
    function writeMcr(value: number): void {
      s.mcr = value & 0x1f;
      if (!(s.mcr & MCR.LOOP)) chardev.accept();
    }
    function readLsr(): number {
      const value = s.lsr;
      s.lsr &= ~(LSR.BI | LSR.OE);
      return value;
    }
    function readMsr(): number {
      if (s.mcr & MCR.LOOP) {
        // §8.8: in loopback RTS, DTR, OUT1 and OUT2 come back as CTS, DSR, RI and DCD.
        const has = (bit: number) => (s.mcr & bit ? 1 : 0);
        return has(MCR.RTS) * MSR.CTS + has(MCR.DTR) * MSR.DSR + has(MCR.OUT1) * MSR.RI + has(MCR.OUT2) * MSR.DCD;
      }
      const value = s.msr;
      s.msr &= ~MSR_DELTAS;
      return value;
    }

    const dlab = () => (s.lcr & LCR_DLAB ? 1 : 0);
    const serial = registers(s, { name: 'serial', size: 8, bank: dlab, after: sync }, [
      { at: 0, bank: 0, name: 'RBR/THR', read: readRbr, write: writeThr },
      {
        at: 0,
        bank: 1,
        name: 'DLL',
        read: () => s.divisor & 0xff,
        write: (v) => {
          s.divisor = (s.divisor & 0xff00) | v;
        },
      },
      { at: 1, bank: 0, name: 'IER', field: 'ier', write: writeIer },
      {
        at: 1,
        bank: 1,
        name: 'DLM',
        read: () => s.divisor >> 8,
        write: (v) => {
          s.divisor = (s.divisor & 0xff) | (v << 8);
        },
      },
      { at: 2, name: 'IIR/FCR', read: readIir, write: writeFcr },
      { at: 3, name: 'LCR', field: 'lcr' },
      { at: 4, name: 'MCR', field: 'mcr', write: writeMcr },
      { at: 5, name: 'LSR', read: readLsr, write: () => {} },
      { at: 6, name: 'MSR', read: readMsr, write: () => {} },
      { at: 7, name: 'SCR', field: 'scr' },
    ]);
    return { regions: { serial }, sync };
  },
});
