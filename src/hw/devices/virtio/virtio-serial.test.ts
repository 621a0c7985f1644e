import { describe, expect, test } from 'vitest';
import { createBufferChardev } from '../../../chardev/buffer.ts';
import { VirtualClock } from '../../core/clock.ts';
import { createDevice } from '../../core/device.ts';
import { virtconsole, virtserialport } from './serial-ports.ts';
import { FUZZ_ACCESSES, fuzzDevice } from './virtio-fuzz.fixture.ts';
import { joined, le, virtioRig } from './virtio-rig.fixture.ts';
import { type VirtioSerialBus, virtioSerialPci } from './virtio-serial.ts';

const clock = new VirtualClock();
const text = (s: string) => new TextEncoder().encode(s);
const message = (port: number, event: number, value: number) => le([port, 4], [event, 2], [value, 2]);
const CONTROL_IN = 2;
const CONTROL_OUT = 3;

function serial(ports: readonly { console?: boolean; name?: string; nr?: number }[], max_ports = 31) {
  const rig = virtioRig(virtioSerialPci, { max_ports });
  const parent = rig.device.parts.buses?.[0] as VirtioSerialBus;
  const chardevs = ports.map(({ console: isConsole = false, ...props }) => {
    const chardev = createBufferChardev();
    createDevice(isConsole ? virtconsole : virtserialport, { clock, props: { ...props, chardev, parent } });
    return chardev;
  });
  return {
    rig,
    parent,
    chardevs,
    control(port: number, event: number, value: number) {
      rig.ask(CONTROL_OUT, [message(port, event, value)]);
      return rig.collect(CONTROL_IN).map(({ bytes, written }) => [...bytes.slice(0, written)]);
    },
    giveControlBuffers(count = 10) {
      for (let i = 0; i < count; i++) rig.add(CONTROL_IN, [64]);
      rig.notify(CONTROL_IN);
    },
  };
}

test('it is PCI device 0x1003, class 0x0780, with two queues a port and two for control', () => {
  const { rig } = serial([]);
  rig.start();
  expect([rig.pci.read(0, 4), rig.pci.read(8, 4)]).toEqual([0x1003_1af4, 0x0780_0000]);
  expect([rig.common.read(0x12, 2), rig.config(4, 4), rig.queueOf(2).size, rig.queueOf(4).size]).toEqual([
    64, 31, 32, 128,
  ]);
  const single = serial([], 1).rig;
  single.start();
  expect([single.common.read(0x12, 2), single.offered() & 2n]).toEqual([4, 0n]);
});

describe('multiport', () => {
  test('a driver hears of each port, then of what it is', () => {
    const { rig, control, giveControlBuffers } = serial([{ console: true }, { name: 'org.example.agent' }]);
    rig.start();
    giveControlBuffers();
    expect(control(0, 0, 1)).toEqual([[...message(0, 1, 1)], [...message(1, 1, 1)]]);
    expect(control(0, 3, 1)).toEqual([[...message(0, 4, 1)], [...message(0, 6, 1)]]);
    expect(control(1, 3, 1)).toEqual([[...joined(message(1, 7, 1), text('org.example.agent'))], [...message(1, 6, 1)]]);
    expect(control(5, 3, 1)).toEqual([]);
    expect(rig.log.join()).toContain('Unexpected port id 5');
  });

  test('bytes reach a port once the guest has opened it', () => {
    const { rig, chardevs, control } = serial([{ console: true }, {}]);
    const [, port] = chardevs;
    rig.start();
    for (let i = 0; i < 3; i++) rig.add(4, [4]);
    rig.notify(4);
    port?.feed('hello world');
    expect(rig.collect(4)).toEqual([]);
    control(1, 6, 1);
    const read = () =>
      rig
        .collect(4)
        .map(({ bytes, written }) => String.fromCharCode(...bytes.slice(0, written)))
        .join('');
    expect(read()).toBe('hel');
    rig.add(4, [100]);
    rig.notify(4);
    expect(read()).toHaveLength(1);
    expect(port?.waiting).toBe(7);
    control(1, 6, 0);
    rig.add(4, [100]);
    rig.notify(4);
    expect(read()).toBe('');
  });

  test('a chunk from outside fills a buffer at once', () => {
    const { rig, chardevs } = serial([{ console: true }]);
    rig.start({ features: (bit) => bit !== 1 });
    rig.add(0, [64]);
    rig.notify(0);
    chardevs[0]?.receive(text('a whole line'));
    expect(rig.collect(0)).toMatchObject([{ written: 12 }]);
  });

  test('what the guest writes leaves by the port’s back end', () => {
    const { rig, chardevs } = serial([{ console: true }, {}]);
    rig.start();
    rig.ask(1, [text('console '), text('output')]);
    rig.ask(5, [text('port output')]);
    rig.ask(7, [text('nobody listens')]);
    expect(chardevs.map((chardev) => chardev.text)).toEqual(['console output', 'port output']);
  });

  test('the guest hears when the host’s end is closed and opened again', () => {
    const { rig, chardevs, giveControlBuffers } = serial([{}]);
    rig.start();
    giveControlBuffers();
    chardevs[0]?.event('closed');
    chardevs[0]?.event('opened');
    const seen = rig.collect(CONTROL_IN).map(({ bytes }) => [...bytes.slice(0, 8)]);
    expect(seen).toEqual([[...message(1, 6, 0)], [...message(1, 6, 1)]]);
  });

  test('who has a port open survives a move, not a reset', () => {
    const { rig, control } = serial([{ console: true }]);
    rig.start();
    control(0, 6, 1);
    expect(rig.state.device).toEqual(rig.reloaded({}).state.device);
    rig.reset();
    expect((rig.state.device as unknown as { guestOpen: boolean[] }).guestOpen[0]).toBe(false);
  });
});

test('emergency writes reach the console before any queue is there', () => {
  const { rig, chardevs } = serial([{ console: true }]);
  rig.enable();
  for (const byte of text('Oops')) rig.writeConfig(8, byte, 4);
  expect(chardevs[0]?.text).toBe('Oops');
});

test('ports take the first free number, 0 is for a console, and what cannot be is refused', () => {
  const { parent } = serial([{}, { console: true }], 3);
  const port = (props: object) => () => createDevice(virtserialport, { clock, props: { ...props, parent } });
  expect(port({ nr: 3 })).toThrow('Out-of-range port id specified, max. allowed: 2');
  expect(port({ nr: 1 })).toThrow('A port already exists at id 1');
  port({ name: 'x' })();
  expect(port({})).toThrow('Maximum port limit for this device reached');
  expect(parent.full).toBe(true);
  expect(() => serial([{ name: 'x' }, { name: 'x' }])).toThrow('A port already exists by name x');
  expect(() => serial([], 32)).toThrow('maximum number of ports cannot be 32');
});

test('a guest’s nonsense neither crashes nor hangs the device', () => {
  const { rig, chardevs } = serial([{ console: true }, {}, { name: 'n' }]);
  fuzzDevice(rig as unknown as Parameters<typeof fuzzDevice>[0], {
    accesses: FUZZ_ACCESSES,
    seed: 4,
    queues: 8,
    request: (random) =>
      random.below(2) ? [message(random.below(5), random.below(9), random.below(2))] : [1 + random.below(20)],
    outside(random) {
      random.pick(chardevs).feed('x'.repeat(random.below(20)));
      random.pick(chardevs).event(random.pick(['opened', 'closed', 'break']));
    },
  });
}, 600_000);
