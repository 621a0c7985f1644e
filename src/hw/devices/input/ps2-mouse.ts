/**
 * PS/2 mouse with wheel and five buttons. Documents: IBM PS/2 Hardware Interface Technical Reference, 1991, "Mouse";
 * Microsoft, "5-Button Wheel Mouse", for the two identification knocks.
 * Not modelled: the sample rate as a limit of packets (a packet is sent whenever the queue has room).
 */

import type { PointerEvent } from '../../../input/pointer.ts';
import { defineDevice } from '../../core/device.ts';
import { type InputRegistry, noInputs } from '../../core/input-devices.ts';
import { prop } from '../../core/props.ts';
import { bool, bytes, fifo, i32, u8, vmstate } from '../../core/state.ts';
import { PS2, type Ps2Device, type Ps2Host } from './ps2.ts';

const COMMAND = {
  SCALING_1_1: 0xe6,
  SCALING_2_1: 0xe7,
  RESOLUTION: 0xe8,
  STATUS: 0xe9,
  STREAM_MODE: 0xea,
  READ_DATA: 0xeb,
  RESET_WRAP: 0xec,
  WRAP: 0xee,
  REMOTE_MODE: 0xf0,
  READ_ID: 0xf2,
  SAMPLE_RATE: 0xf3,
  ENABLE: 0xf4,
  DISABLE: 0xf5,
  DEFAULTS: 0xf6,
  RESEND: 0xfe,
  RESET: 0xff,
} as const;
/** Sample rates set one after the other that unlock the wheel (ID 3) and the side buttons (ID 4). */
const KNOCKS = [
  { rates: [200, 100, 80], id: 3 },
  { rates: [200, 200, 80], id: 4 },
] as const;
const PACKET_BYTES = 4;
const ANSWER_BYTES = 8;
const MOVE_BYTES = 16;

const state = vmstate('ps2mouse', 2, {
  remote: bool(),
  enabled: bool(),
  scaling2to1: bool(),
  wrap: bool(),
  resolution: u8(2), // 4 counts a millimetre
  sampleRate: u8(100),
  lastRates: bytes(3),
  id: u8(),
  command: u8(),
  lastSent: u8(),
  dx: i32(),
  dy: i32(),
  dz: i32(),
  buttons: u8(),
  sentButtons: u8(),
  queue: fifo(MOVE_BYTES + ANSWER_BYTES),
});

const clamp = (value: number, min: number, max: number) => Math.max(min, Math.min(max, value));

export const ps2Mouse = defineDevice({
  type: 'ps2-mouse',
  desc: 'PS/2 mouse',
  props: { inputs: prop.code<InputRegistry>(noInputs) },
  irqs: [],
  state,
  create(s, { inputs, log }) {
    let host: Ps2Host | undefined;

    function queue(...data: readonly number[]): void {
      for (const byte of data) s.queue.push(byte);
    }
    function send(...data: readonly number[]): void {
      queue(...data);
      host?.dataReady();
    }
    function packet(): readonly number[] {
      const dx = clamp(s.dx, -255, 255);
      const dy = clamp(-s.dy, -255, 255); // the mouse counts upwards
      const data = [0x08 | (s.buttons & 7) | (dx < 0 ? 0x10 : 0) | (dy < 0 ? 0x20 : 0), dx & 0xff, dy & 0xff];
      s.dx -= dx;
      s.dy += dy;
      if (s.id === 0) s.dz = 0;
      const dz = s.id === 4 ? clamp(s.dz, -8, 7) : clamp(s.dz, -127, 127);
      s.dz -= dz;
      s.sentButtons = s.buttons;
      if (s.id === 3) data.push(dz & 0xff);
      if (s.id === 4) data.push((dz & 0x0f) | ((s.buttons & 0x18) << 1));
      return data;
    }
    const hasNews = () => s.dx !== 0 || s.dy !== 0 || s.dz !== 0 || s.buttons !== s.sentButtons;
    /** Queues packets for what has happened, as far as there is room. */
    function queueReports(): void {
      while (s.enabled && !s.remote && hasNews() && s.queue.length + PACKET_BYTES <= MOVE_BYTES) queue(...packet());
    }
    function report(): void {
      queueReports();
      if (!s.queue.empty) host?.dataReady();
    }
    function point({ dx = 0, dy = 0, dz = 0, buttons = s.buttons }: PointerEvent): void {
      // Sums stay in range however long the guest does not look.
      s.dx = clamp(s.dx + dx, -0x7fff, 0x7fff);
      s.dy = clamp(s.dy + dy, -0x7fff, 0x7fff);
      s.dz = clamp(s.dz + dz, -0x7fff, 0x7fff);
      s.buttons = buttons & 0x1f;
      report();
    }
    inputs.addPointer({ name: 'QEMU PS/2 Mouse', absolute: false, point });

    function setRate(rate: number): void {
      s.sampleRate = rate;
      s.lastRates.copyWithin(0, 1);
      s.lastRates[2] = rate;
      for (const knock of KNOCKS) if (knock.rates.every((r, i) => r === s.lastRates[i])) s.id = knock.id;
    }
    function defaults(): void {
      s.sampleRate = 100;
      s.resolution = 2;
      s.scaling2to1 = false;
      s.remote = false;
      s.enabled = false;
      s.lastRates.fill(0);
    }
    const status = () =>
      (s.remote ? 0x40 : 0) |
      (s.enabled ? 0x20 : 0) |
      (s.scaling2to1 ? 0x10 : 0) |
      (s.buttons & 1 ? 4 : 0) |
      (s.buttons & 4 ? 2 : 0) |
      (s.buttons & 2 ? 1 : 0);

    function command(byte: number): void {
      if (s.wrap && byte !== COMMAND.RESET_WRAP && byte !== COMMAND.RESET) {
        send(byte);
        return;
      }
      if (s.command !== 0) {
        if (s.command === COMMAND.SAMPLE_RATE) setRate(byte);
        else s.resolution = byte & 3;
        s.command = 0;
        send(PS2.ACK);
        return;
      }
      switch (byte) {
        case COMMAND.SCALING_1_1:
        case COMMAND.SCALING_2_1:
          s.scaling2to1 = byte === COMMAND.SCALING_2_1;
          send(PS2.ACK);
          break;
        case COMMAND.RESOLUTION:
        case COMMAND.SAMPLE_RATE:
          s.command = byte;
          send(PS2.ACK);
          break;
        case COMMAND.STATUS:
          send(PS2.ACK, status(), s.resolution, s.sampleRate);
          break;
        case COMMAND.STREAM_MODE:
          s.remote = false;
          send(PS2.ACK);
          break;
        case COMMAND.REMOTE_MODE:
          s.remote = true;
          send(PS2.ACK);
          break;
        case COMMAND.READ_DATA:
          send(PS2.ACK, ...packet());
          break;
        case COMMAND.WRAP:
        case COMMAND.RESET_WRAP:
          s.wrap = byte === COMMAND.WRAP;
          send(PS2.ACK);
          break;
        case COMMAND.READ_ID:
          send(PS2.ACK, s.id);
          break;
        case COMMAND.ENABLE:
          s.enabled = true;
          send(PS2.ACK);
          report();
          break;
        case COMMAND.DISABLE:
          s.enabled = false;
          send(PS2.ACK);
          break;
        case COMMAND.DEFAULTS:
          defaults();
          send(PS2.ACK);
          break;
        case COMMAND.RESEND:
          send(s.lastSent);
          break;
        case COMMAND.RESET:
          defaults();
          s.id = 0;
          s.wrap = false;
          s.queue.clear();
          send(PS2.ACK, PS2.SELF_TEST_PASSED, s.id);
          break;
        default:
          log('guest_errors', `ps2-mouse: unknown command 0x${byte.toString(16)}`);
          send(PS2.RESEND);
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
        queueReports(); // without a notice: the controller is taking a byte just now
        return s.lastSent;
      },
    };
    return { regions: {}, sync() {}, port, point };
  },
});
