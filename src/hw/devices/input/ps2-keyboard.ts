/**
 * PS/2 keyboard. Document: IBM PS/2 Hardware Interface Technical Reference, 1991, "Keyboards (101- and 102-key)".
 * Not modelled: key types of scan code set 3 (F7h to FDh): each key repeats, and makes and breaks.
 */
import { keys } from '../../../input/keys.ts';
import { defineDevice } from '../../core/device.ts';
import { type InputRegistry, noInputs } from '../../core/input-devices.ts';
import { prop } from '../../core/props.ts';
import { bool, fifo, ranged, timer, u8, vmstate } from '../../core/state.ts';
import { PS2, type Ps2Device, type Ps2Host } from './ps2.ts';
import { modifierOf, scanCodes } from './scan-codes.ts';

const COMMAND = {
  SET_LEDS: 0xed,
  ECHO: 0xee,
  SCAN_CODE_SET: 0xf0,
  READ_ID: 0xf2,
  SET_RATE: 0xf3,
  ENABLE: 0xf4,
  DISABLE: 0xf5,
  DEFAULTS: 0xf6,
  ALL_TYPEMATIC: 0xf7,
  KEY_MAKE: 0xfd,
  RESEND: 0xfe,
  RESET: 0xff,
} as const;
const ID = [0xab, 0x83] as const;
/** A real keyboard buffers 16 bytes of keys; answers to commands always find room. */
const KEY_BYTES = 16;
const ANSWER_BYTES = 8;
const DEFAULT_RATE = 0x2b; // 10.9 characters a second after 500 ms

const state = vmstate('ps2kbd', 4, {
  scanning: bool(true),
  scanCodeSet: ranged(u8(2), 1, 3),
  leds: u8(),
  rate: u8(DEFAULT_RATE),
  /** The command that waits for its argument; 0: none. */
  command: u8(),
  lastSent: u8(),
  queue: fifo(KEY_BYTES + ANSWER_BYTES),
  /** Modifiers that are held: bits of scan-codes.ts. */
  held: u8(),
  /** Index of the key that repeats, and when it next does. */
  repeating: u8(),
  typematic: timer(),
});

/** "Set Typematic Rate/Delay": bits 6:5 are the delay, 4:0 the period. */
const delayNs = (rate: number): number => (((rate >> 5) & 3) + 1) * 250_000_000;
const periodNs = (rate: number): number => (8 + (rate & 7)) * 2 ** ((rate >> 3) & 3) * 4_170_000;

export const ps2Keyboard = defineDevice({
  type: 'ps2-kbd',
  desc: 'PS/2 keyboard',
  props: {
    /** Called when the guest sets the lights: bit 0 scroll lock, 1 num lock, 2 caps lock. */
    leds: prop.code<(leds: number) => void>(() => {}),
    inputs: prop.code<InputRegistry>(noInputs),
  },
  irqs: [],
  state,
  create(s, { leds, inputs, clock }) {
    let host: Ps2Host | undefined;
    const typematic = clock.timer('ps2-kbd', s.typematic, repeat);

    function send(...bytes: readonly number[]): void {
      for (const byte of bytes) s.queue.push(byte);
      host?.dataReady();
    }
    /** Whole codes only: half a code would make the guest see another key. A full buffer drops keys, as the real one. */
    function sendKey(name: string, down: boolean): void {
      const codes = scanCodes(name, down, setOf(s.scanCodeSet), s.held);
      if (codes.length > 0 && s.queue.length + codes.length <= KEY_BYTES) send(...codes);
    }
    function key(name: string, down: boolean): void {
      if (!s.scanning) return;
      const modifier = modifierOf(name);
      s.held = down ? s.held | modifier : s.held & ~modifier;
      sendKey(name, down);
      const index = keys.findIndex((each) => each.name === name);
      if (down && name !== 'pause') {
        s.repeating = index;
        typematic.set(clock.now() + delayNs(s.rate));
      } else if (s.repeating === index) {
        typematic.cancel();
      }
    }
    function repeat(): void {
      sendKey(keys[s.repeating]?.name ?? '', true);
      typematic.set(clock.now() + periodNs(s.rate));
    }
    inputs.addKeyboard({
      name: 'QEMU PS/2 Keyboard',
      key,
      get busy() {
        return !s.queue.empty;
      },
    });
    function defaults(): void {
      s.scanCodeSet = 2;
      s.rate = DEFAULT_RATE;
      s.queue.clear();
      typematic.cancel();
    }
    function argument(command: number, byte: number): void {
      s.command = 0;
      switch (command) {
        case COMMAND.SET_LEDS:
          s.leds = byte & 7;
          leds(s.leds);
          send(PS2.ACK);
          break;
        case COMMAND.SET_RATE:
          s.rate = byte & 0x7f;
          send(PS2.ACK);
          break;
        case COMMAND.SCAN_CODE_SET:
          if (byte === 0) send(PS2.ACK, s.scanCodeSet);
          else if (byte <= 3) {
            s.scanCodeSet = byte;
            typematic.cancel();
            send(PS2.ACK);
          } else {
            send(PS2.RESEND);
          }
          break;
        default:
          s.command = command; // a key of set 3; more may follow
          send(PS2.ACK);
      }
    }
    function command(byte: number): void {
      if (s.command !== 0 && byte < COMMAND.SET_LEDS) {
        argument(s.command, byte);
        return;
      }
      s.command = 0;
      switch (byte) {
        case COMMAND.SET_LEDS:
        case COMMAND.SCAN_CODE_SET:
        case COMMAND.SET_RATE:
          s.command = byte;
          send(PS2.ACK);
          break;
        case COMMAND.ECHO:
          send(PS2.ECHO);
          break;
        case COMMAND.READ_ID:
          send(PS2.ACK, ...ID);
          break;
        case COMMAND.ENABLE:
          s.scanning = true;
          send(PS2.ACK);
          break;
        case COMMAND.DISABLE:
          defaults();
          s.scanning = false;
          send(PS2.ACK);
          break;
        case COMMAND.DEFAULTS:
          defaults();
          s.scanning = true;
          send(PS2.ACK);
          break;
        case COMMAND.RESEND:
          send(s.lastSent);
          break;
        case COMMAND.RESET:
          defaults();
          s.scanning = true;
          s.leds = 0;
          leds(0);
          send(PS2.ACK, PS2.SELF_TEST_PASSED);
          break;
        default:
          if (byte >= COMMAND.ALL_TYPEMATIC && byte <= COMMAND.KEY_MAKE) {
            // FBh to FDh: the following bytes are keys, until the next command.
            if (byte > COMMAND.ALL_TYPEMATIC + 3) s.command = byte;
            send(PS2.ACK);
          } else {
            send(PS2.RESEND);
          }
      }
    }

    const port: Ps2Device = {
      connect(to) {
        host = to;
      },
      command,
      get pending() {
        return !s.queue.empty;
      },
      next() {
        s.lastSent = s.queue.shift();
        return s.lastSent;
      },
    };
    return { regions: {}, sync: () => leds(s.leds), port, key };
  },
});

const setOf = (set: number): 1 | 2 | 3 => (set === 1 || set === 3 ? set : 2);
