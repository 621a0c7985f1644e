/**
 * Intel 8042 keyboard controller of the PC AT with the PS/2's auxiliary port.
 * Document: IBM PS/2 Hardware Interface Technical Reference, 1991, "Keyboard and Auxiliary Device Controller".
 * Not modelled: the input port's jumpers, the test inputs, transmit and receive timeouts; a command is done at once, so
 * the input buffer is never full. Unknown commands are logged. Details follow QEMU's pckbd.
 */
import { defineDevice } from '../../core/device.ts';
import { hex } from '../../core/log.ts';
import { prop } from '../../core/props.ts';
import { BYTE_WIDE, ioRegion } from '../../core/region.ts';
import { below, bool, u8, vmstate } from '../../core/state.ts';
import type { Ps2Device } from './ps2.ts';
import { translateScanCode } from './scan-codes.ts';

const STATUS = { OBF: 0x01, SELF_TEST: 0x04, COMMAND: 0x08, UNLOCKED: 0x10, AUX_OBF: 0x20 } as const;
const MODE = {
  KBD_IRQ: 0x01,
  AUX_IRQ: 0x02,
  SYSTEM: 0x04,
  KBD_DISABLED: 0x10,
  AUX_DISABLED: 0x20,
  TRANSLATE: 0x40,
} as const;
const OUT_PORT = { NO_RESET: 0x01, A20: 0x02, KBD_OBF: 0x10, AUX_OBF: 0x20 } as const;
const OUT_PORT_RESET = 0xcf;
/** Where the byte in the output buffer comes from. */
const FROM = { NOTHING: 0, CONTROLLER: 1, CONTROLLER_AS_AUX: 2, KEYBOARD: 3, AUX: 4 } as const;
const BREAK_PREFIX = 0xf0; // of scan code set 2

const COMMAND = {
  READ_MODE: 0x20,
  WRITE_MODE: 0x60,
  AUX_DISABLE: 0xa7,
  AUX_ENABLE: 0xa8,
  AUX_TEST: 0xa9,
  SELF_TEST: 0xaa,
  KBD_TEST: 0xab,
  KBD_DISABLE: 0xad,
  KBD_ENABLE: 0xae,
  READ_IN_PORT: 0xc0,
  READ_OUT_PORT: 0xd0,
  WRITE_OUT_PORT: 0xd1,
  WRITE_OUTPUT: 0xd2,
  WRITE_AUX_OUTPUT: 0xd3,
  WRITE_AUX: 0xd4,
  DISABLE_A20: 0xdd,
  ENABLE_A20: 0xdf,
  PULSE: 0xf0,
} as const;

const state = vmstate('pckbd', 3, {
  /** The command that waits for a byte at port 60h; 0: the byte is for the keyboard. */
  command: u8(),
  status: u8(STATUS.COMMAND | STATUS.UNLOCKED),
  mode: u8(MODE.KBD_IRQ | MODE.AUX_IRQ),
  outPort: u8(OUT_PORT_RESET),
  data: u8(), // the output buffer; keeps its last byte
  from: below(5),
  /** An answer of the controller that waits for the output buffer. */
  answer: u8(),
  answerFrom: below(3),
  breakCode: bool(), // translation has seen F0h
});

export const i8042 = defineDevice({
  type: 'i8042',
  desc: '',
  bus: 'ISA',
  props: {
    'kbd-irq': prop.u8(1),
    'mouse-irq': prop.u8(12),
    keyboard: prop.required<Ps2Device>(),
    mouse: prop.required<Ps2Device>(),
    /** Called when the guest pulses the CPU's reset line. */
    systemReset: prop.code<() => void>(() => {}),
  },
  irqs: ['kbd', 'mouse_irq', 'a20'],
  state,
  isa: (p) => ({ ports: { data: 0x60, command: 0x64 }, irqs: { kbd: p['kbd-irq'], mouse_irq: p['mouse-irq'] } }),
  create(s, { keyboard, mouse, kbd, mouse_irq, a20, systemReset, log }) {
    const isAux = () => s.from === FROM.AUX || s.from === FROM.CONTROLLER_AS_AUX;

    function sync(): void {
      const full = s.from !== FROM.NOTHING;
      const aux = full && isAux();
      s.status = (s.status & ~(STATUS.OBF | STATUS.AUX_OBF)) | (full ? STATUS.OBF : 0) | (aux ? STATUS.AUX_OBF : 0);
      s.outPort =
        (s.outPort & ~(OUT_PORT.KBD_OBF | OUT_PORT.AUX_OBF)) |
        (full && !aux ? OUT_PORT.KBD_OBF : 0) |
        (aux ? OUT_PORT.AUX_OBF : 0);
      kbd.set(full && !aux && (s.mode & (MODE.KBD_IRQ | MODE.KBD_DISABLED)) === MODE.KBD_IRQ);
      mouse_irq.set(aux && (s.mode & MODE.AUX_IRQ) !== 0);
      a20.set((s.outPort & OUT_PORT.A20) !== 0);
    }

    /** Moves the next byte into the output buffer if that is empty. */
    function refill(): void {
      if (s.from === FROM.NOTHING) {
        if (s.answerFrom !== FROM.NOTHING) {
          s.data = s.answer;
          s.from = s.answerFrom;
          s.answerFrom = FROM.NOTHING;
        } else if (!(s.mode & MODE.KBD_DISABLED) && keyboard.pending) {
          fetchFromKeyboard();
        } else if (!(s.mode & MODE.AUX_DISABLED) && mouse.pending) {
          s.data = mouse.next();
          s.from = FROM.AUX;
        }
      }
      sync();
    }
    /** A break code of set 2 (F0h, code) becomes one byte of set 1. */
    function fetchFromKeyboard(): void {
      while (keyboard.pending) {
        const byte = keyboard.next();
        if (s.mode & MODE.TRANSLATE) {
          if (byte === BREAK_PREFIX) {
            s.breakCode = true;
            continue;
          }
          s.data = translateScanCode(byte) | (s.breakCode ? 0x80 : 0);
          s.breakCode = false;
        } else {
          s.data = byte;
        }
        s.from = FROM.KEYBOARD;
        return;
      }
    }
    keyboard.connect({ dataReady: refill });
    mouse.connect({ dataReady: refill });

    function answer(byte: number, from: 1 | 2 = FROM.CONTROLLER): void {
      s.answer = byte;
      s.answerFrom = from;
      refill();
    }

    function readData(): number {
      const value = s.data;
      if (s.from === FROM.NOTHING) return value;
      s.from = FROM.NOTHING;
      sync(); // the line falls between two bytes, for an edge-triggered interrupt
      refill();
      return value;
    }

    function writeOutPort(value: number): void {
      s.outPort = value;
      sync();
      if (!(value & OUT_PORT.NO_RESET)) systemReset();
    }

    function writeData(value: number): void {
      const { command } = s;
      s.command = 0;
      switch (command) {
        case COMMAND.WRITE_MODE:
          s.mode = value;
          refill();
          break;
        case COMMAND.WRITE_OUTPUT:
          answer(value);
          break;
        case COMMAND.WRITE_AUX_OUTPUT:
          answer(value, FROM.CONTROLLER_AS_AUX);
          break;
        case COMMAND.WRITE_OUT_PORT:
          writeOutPort(value);
          break;
        case COMMAND.WRITE_AUX:
          s.mode &= ~MODE.AUX_DISABLED; // talking to a device enables its interface
          mouse.command(value);
          refill();
          break;
        default:
          s.mode &= ~MODE.KBD_DISABLED;
          keyboard.command(value);
          refill();
      }
    }

    function setMode(set: number, clear: number): void {
      s.mode = (s.mode | set) & ~clear;
      refill();
    }

    function writeCommand(value: number): void {
      s.command = 0;
      if (value >= COMMAND.PULSE) {
        // Bits 0 to 3 clear: pulse that output low. Only the reset line is connected.
        if (!(value & OUT_PORT.NO_RESET)) systemReset();
        return;
      }
      switch (value) {
        case COMMAND.READ_MODE:
          answer(s.mode);
          break;
        case COMMAND.WRITE_MODE:
        case COMMAND.WRITE_OUT_PORT:
        case COMMAND.WRITE_OUTPUT:
        case COMMAND.WRITE_AUX_OUTPUT:
        case COMMAND.WRITE_AUX:
          s.command = value;
          break;
        case COMMAND.AUX_DISABLE:
          setMode(MODE.AUX_DISABLED, 0);
          break;
        case COMMAND.AUX_ENABLE:
          setMode(0, MODE.AUX_DISABLED);
          break;
        case COMMAND.AUX_TEST:
        case COMMAND.KBD_TEST:
          answer(0);
          break;
        case COMMAND.SELF_TEST:
          s.status |= STATUS.SELF_TEST;
          answer(0x55);
          break;
        case COMMAND.KBD_DISABLE:
          setMode(MODE.KBD_DISABLED, 0);
          break;
        case COMMAND.KBD_ENABLE:
          setMode(0, MODE.KBD_DISABLED);
          break;
        case COMMAND.READ_IN_PORT:
          answer(0x80);
          break;
        case COMMAND.READ_OUT_PORT:
          answer(s.outPort);
          break;
        case COMMAND.DISABLE_A20:
          s.outPort &= ~OUT_PORT.A20;
          sync();
          break;
        case COMMAND.ENABLE_A20:
          s.outPort |= OUT_PORT.A20;
          sync();
          break;
        default:
          log('guest_errors', `i8042: unsupported command ${hex(value, 2)}`);
      }
    }

    return {
      regions: {
        data: ioRegion('i8042-data', 1, { read: readData, write: (_at, value) => writeData(value) }, BYTE_WIDE),
        command: ioRegion(
          'i8042-cmd',
          1,
          { read: () => s.status, write: (_at, value) => writeCommand(value) },
          BYTE_WIDE,
        ),
      },
      sync,
    };
  },
});
