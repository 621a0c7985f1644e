/**
 * PS/2 keyboard. Document: IBM PS/2 Hardware Interface Technical Reference, 1991, "Keyboards (101- and 102-key)".
 * Not modelled: scan code set 3, typematic repeat (the host's own repeats arrive as further key presses).
 */
import { defineDevice } from '../../core/device.ts';
import type { EventReceiver } from '../../core/input.ts';
import { prop } from '../../core/props.ts';
import { below, bool, fifo, u8, vmstate } from '../../core/state.ts';
import { PS2, type Ps2Device, type Ps2Host } from './ps2.ts';
import { keyNames, scanCodes } from './scan-codes.ts';

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

const state = vmstate('ps2kbd', 3, {
  scanning: bool(true),
  scanCodeSet: below(3, 2),
  leds: u8(),
  rate: u8(0x2b), // 10.9 characters a second after 500 ms
  /** The command that waits for its argument; 0: none. */
  command: u8(),
  lastSent: u8(),
  queue: fifo(KEY_BYTES + ANSWER_BYTES),
});

/** A key of QEMU's naming goes down or up; an event of the input queue. */
export type KeyEvent = { readonly key: string; readonly down: boolean };

export const ps2Keyboard = defineDevice({
  type: 'ps2-kbd',
  desc: 'PS/2 keyboard',
  props: {
    /** Called when the guest sets the lights: bit 0 scroll lock, 1 num lock, 2 caps lock. */
    leds: prop.code<(leds: number) => void>(() => {}),
  },
  irqs: [],
  state,
  create(s, { leds, log }) {
    let host: Ps2Host | undefined;

    function send(...bytes: readonly number[]): void {
      for (const byte of bytes) s.queue.push(byte);
      host?.dataReady();
    }
    function key({ key: name, down }: KeyEvent): void {
      if (!s.scanning) return;
      const codes = scanCodes(name, down, s.scanCodeSet) ?? [];
      // Whole codes only: half a code would make the guest see another key. A full buffer drops keys, as the real one.
      if (codes.length > 0 && s.queue.length + codes.length <= KEY_BYTES) send(...codes);
    }
    function defaults(): void {
      s.scanCodeSet = 2;
      s.rate = 0x2b;
      s.queue.clear();
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
          else if (byte === 1 || byte === 2) {
            s.scanCodeSet = byte;
            send(PS2.ACK);
          } else {
            log('unimp', `ps2-kbd: scan code set ${byte} not supported`);
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
    const receiver: EventReceiver<KeyEvent> = {
      check: (data): data is KeyEvent =>
        typeof data === 'object' &&
        data !== null &&
        'key' in data &&
        typeof data.key === 'string' &&
        keyNames.includes(data.key) &&
        typeof data.down === 'boolean',
      receive: key,
    };
    return { regions: {}, sync: () => leds(s.leds), port, receiver };
  },
});
