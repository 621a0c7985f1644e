/** The UHCI with a tablet, its registers and transfers, against native QEMU. */
import { expect, test } from 'vitest';
import { nativeTarget } from './native.ts';
import { ownTarget } from './own.ts';
import { type Recorder, recordsOf } from './target.ts';

const BASE = 0xc000;
const REG = { USBCMD: 0, USBSTS: 2, USBINTR: 4, FRNUM: 6, FLBASEADD: 8, SOFMOD: 12, PORTSC1: 16, PORTSC2: 18 } as const;
const FRAME_LIST = 0x1000;
const QUEUE = 0x2000;
const DESCRIPTORS = 0x3000;
const DATA = 0x4000;
const MS = 1e6;
const PID = { SETUP: 0x2d, IN: 0x69, OUT: 0xe1 } as const;

const le32 = (...values: readonly number[]): Uint8Array => {
  const bytes = new Uint8Array(4 * values.length);
  const view = new DataView(bytes.buffer);
  for (const [i, value] of values.entries()) view.setUint32(4 * i, value >>> 0, true);
  return bytes;
};

async function config(m: Recorder, register: number, value?: number): Promise<void> {
  await m.out(0xcf8, (0x8000_0000 | (3 << 11) | register) >>> 0, 4);
  if (value === undefined) await m.in(0xcfc, 4);
  else await m.out(0xcfc, value, 4);
}

/** One packet after the other, each run to its end and its descriptor looked at. */
async function packet(m: Recorder, pid: number, address: number, endpoint: number, data: readonly number[], room = 0) {
  const length = pid === PID.IN ? room : data.length;
  if (data.length > 0) await m.write(DATA, Uint8Array.from(data));
  else await m.write(DATA, new Uint8Array(64));
  const token = (((length - 1) & 0x7ff) << 21) | (endpoint << 15) | (address << 8) | pid;
  await m.write(DESCRIPTORS, le32(1, (1 << 23) | (3 << 27) | (1 << 24) | (1 << 29), token, DATA));
  await m.write(QUEUE, le32(1, DESCRIPTORS));
  await m.step(20 * MS);
  await m.read(QUEUE, 8);
  await m.read(DESCRIPTORS, 16);
  await m.read(DATA, Math.max(length, 8));
  await m.in(BASE + REG.USBSTS, 2);
  await m.out(BASE + REG.USBSTS, 0x1f, 2);
  await m.write(QUEUE, le32(1, 1));
}

async function control(m: Recorder, address: number, setup: readonly number[], length: number): Promise<void> {
  await packet(m, PID.SETUP, address, 0, setup);
  for (let done = 0; done < length; done += 8) await packet(m, PID.IN, address, 0, [], 8);
  await packet(m, (setup[0] ?? 0) & 0x80 ? PID.OUT : PID.IN, address, 0, []);
}

test('registers, ports, descriptors and requests of a tablet', async () => {
  const native = nativeTarget('pc', ['-device', 'piix3-usb-uhci,addr=3', '-device', 'usb-tablet,serial=42']);
  const own = ownTarget('pc', [
    { driver: 'piix3-usb-uhci', properties: { addr: '3' } },
    { driver: 'usb-tablet', properties: { serial: '42' } },
  ]);
  const [theirs = [], ours = []] = await recordsOf([native, own], async (m) => {
    for (const register of [0x00, 0x08, 0x20, 0x3c, 0x60]) await config(m, register);
    await config(m, 0x20, BASE);
    await config(m, 0x04, 5);
    for (const register of Object.values(REG)) await m.in(BASE + register, 2);
    await m.in(BASE + 0x14, 2);
    await m.out(BASE + REG.PORTSC1, 0x13ff, 2);
    await m.in(BASE + REG.PORTSC1, 2);
    await m.out(BASE + REG.PORTSC1, 0x0000, 2);
    await m.out(BASE + REG.PORTSC2, 0x0004, 2);
    await m.in(BASE + REG.PORTSC2, 2);
    await m.write(FRAME_LIST, le32(...new Array<number>(1024).fill(QUEUE | 2)));
    await m.write(QUEUE, le32(1, 1));
    await m.out(BASE + REG.FLBASEADD, FRAME_LIST, 4);
    await m.in(BASE + REG.FLBASEADD, 4);
    await m.out(BASE + REG.USBINTR, 0x0f, 2);
    await m.out(BASE + REG.PORTSC1, 0x0200, 2);
    await m.step(50 * MS);
    await m.out(BASE + REG.PORTSC1, 0x0000, 2);
    await m.out(BASE + REG.PORTSC1, 0x0004, 2);
    await m.in(BASE + REG.PORTSC1, 2);
    await m.out(BASE + REG.USBCMD, 0x01, 2);
    m.say('device descriptor');
    await control(m, 0, [0x80, 6, 0, 1, 0, 0, 18, 0], 18);
    m.say('set address');
    await control(m, 0, [0, 5, 5, 0, 0, 0, 0, 0], 0);
    m.say('configuration descriptor');
    await control(m, 5, [0x80, 6, 0, 2, 0, 0, 34, 0], 34);
    for (const index of [0, 1, 2, 3]) {
      m.say(`string ${index}`);
      await control(m, 5, [0x80, 6, index, 3, 0, 0, 32, 0], 32);
    }
    m.say('report descriptor, configuration, idle');
    await control(m, 5, [0x81, 6, 0, 0x22, 0, 0, 74, 0], 74);
    await control(m, 5, [0, 9, 1, 0, 0, 0, 0, 0], 0);
    await control(m, 5, [0x80, 8, 0, 0, 0, 0, 1, 0], 1);
    await control(m, 5, [0xa1, 2, 0, 0, 0, 0, 1, 0], 1);
    m.say('the interrupt endpoint, unknown requests and addresses');
    await packet(m, PID.IN, 5, 1, [], 8);
    await packet(m, PID.SETUP, 5, 0, [0xc0, 0x33, 0, 0, 0, 0, 2, 0]);
    await packet(m, PID.IN, 9, 0, [], 8);
    await m.out(BASE + REG.USBCMD, 0, 2);
    await m.in(BASE + REG.USBSTS, 2);
  });
  expect(ours).toEqual(theirs);
}, 60_000);
