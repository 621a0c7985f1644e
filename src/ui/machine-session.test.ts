import { describe, expect, test, vi } from 'vitest';
import { VmError } from '../util/errors.ts';
import type { VmEvent, VmOptions, VmStatus } from '../vm/api.ts';
import type { VmClient } from '../vm/client.ts';
import { type Launch, MachineSession } from './machine-session.ts';

const statusAtPause: VmStatus = {
  state: 'paused',
  instructions: 1234,
  guestNs: 5678,
  mips: 0,
  share: { interpreter: 0, jit: 0, translation: 0, devices: 0, idle: 1 },
  ramBytes: 2 ** 27,
  engineBytes: 0,
};

/** A client whose machine does what the test says. */
function fakeVm(start: VmClient['start']): VmClient & { emit(event: VmEvent): void; disposed: boolean } {
  let emit: (event: VmEvent) => void = () => {};
  return {
    disposed: false,
    emit: (event) => emit(event),
    start(options: VmOptions, onEvent: (event: VmEvent) => void) {
      emit = onEvent;
      return start(options, onEvent);
    },
    pause: async () => emit({ kind: 'state', state: 'paused' }),
    resume: async () => emit({ kind: 'state', state: 'running' }),
    reset: async () => {},
    quit: async () => emit({ kind: 'exit', code: 0, reason: 'host-quit' }),
    status: async () => statusAtPause,
    serialInput: vi.fn(async () => {}),
    key: vi.fn(async () => {}),
    pointer: vi.fn(async () => {}),
    type: vi.fn(async () => {}),
    screen: async () => ({ memory: new Uint8Array(8), words: new Int32Array(4) }),
    screenText: async () => undefined,
    drives: async () => [],
    changeMedium: () => Promise.reject(new Error('not asked for')),
    ejectMedium: () => Promise.reject(new Error('not asked for')),
    exportImage: () => Promise.reject(new Error('not asked for')),
    exportDrive: () => Promise.reject(new Error('not asked for')),
    monitor: async (line) => `you said ${line}\n`,
    stateHash: () => Promise.reject(new Error('not asked for')),
    pauseAt: () => Promise.reject(new Error('not asked for')),
    dispose() {
      this.disposed = true;
    },
  };
}

const launch: Launch = { id: 'm1', title: 'A machine', args: ['-M', 'pc'], load: async () => ({ files: {} }) };

function setUp(start: VmClient['start'] = async () => {}, screenReady = Promise.resolve()) {
  const machines: ReturnType<typeof fakeVm>[] = [];
  const saved: [string, number][] = [];
  const session = new MachineSession({
    createVm() {
      const vm = fakeVm(start);
      machines.push(vm);
      return vm;
    },
    screenReady: () => screenReady,
    saveFile: (name, bytes) => void saved.push([name, bytes.length]),
    schedule: (callback) => callback(),
  });
  return { session, machines, saved };
}

describe('keyboard and pointer', () => {
  test('reach the machine while it is on, and its kind of pointer is on view', async () => {
    const { session, machines } = setUp();
    session.devices.key('a', true);
    await session.start(launch);
    session.devices.key('b', true);
    session.devices.pointer({ dx: 1, dy: 2 });
    session.devices.type(Uint8Array.of(1));
    expect(machines[0]?.key).toHaveBeenCalledExactlyOnceWith('b', true);
    expect(machines[0]?.pointer).toHaveBeenCalledExactlyOnceWith({ dx: 1, dy: 2 });
    expect(machines[0]?.type).toHaveBeenCalledOnce();
    machines[0]?.emit({ kind: 'pointer', absolute: true });
    expect(session.view.absolutePointer).toBe(true);
  });
});

describe('a session', () => {
  test('has the screen of the machine once that is on, and saves the files that it makes', async () => {
    const { session, machines, saved } = setUp();
    await session.start(launch);
    expect(session.view.screen?.words).toHaveLength(4);
    machines[0]!.emit({ kind: 'file', name: 'a.ppm', bytes: new Uint8Array(3) });
    expect(saved).toEqual([['a.ppm', 3]]);
  });

  test('powers a machine on and follows its state to the very instruction it pauses at', async () => {
    const { session, machines } = setUp();
    await session.start(launch);
    expect(session.view).toMatchObject({ phase: { kind: 'on' }, run: 1, id: 'm1', title: 'A machine' });
    machines[0]?.emit({ kind: 'state', state: 'running' });
    await session.pause();
    expect(session.view.phase).toEqual({ kind: 'on', state: 'paused' });
    expect(session.view.status?.instructions).toBe(1234);
  });

  test('runs the machine once there is a screen for it', async () => {
    const screen = Promise.withResolvers<void>();
    const starting = vi.fn(async () => {});
    const { session } = setUp(starting, screen.promise);
    const started = session.start(launch);
    await vi.waitFor(() => expect(session.view.phase).toEqual({ kind: 'on', state: 'prelaunch' }));
    expect(starting).toHaveBeenCalledWith(
      { args: ['-M', 'pc', '-audiodev', 'web,id=page', '-S'], files: {} },
      expect.any(Function),
    );
    screen.resolve();
    await started;
    expect(session.view.phase).toEqual({ kind: 'on', state: 'running' });
  });

  test('with -S it waits for the user', async () => {
    const { session } = setUp();
    await session.start({ ...launch, args: ['-S'] });
    expect(session.view.phase).toEqual({ kind: 'on', state: 'prelaunch' });
  });

  test('stays with the choice, with message and hint when the kernel is refused', async () => {
    const { session, machines } = setUp(async () => {
      throw new VmError('x.bin: not a bzImage', { hint: 'Bring another.' });
    });
    await session.start(launch);
    expect(session.view.phase).toEqual({ kind: 'choosing' });
    expect(session.view.trouble).toEqual({ message: 'x.bin: not a bzImage', hint: 'Bring another.' });
    expect(machines[0]?.disposed).toBe(true);
  });

  test('shows progress by file, the newest figure of each', async () => {
    const { session } = setUp();
    let seen: unknown;
    await session.start({
      ...launch,
      async load(onProgress) {
        onProgress({ name: 'a', received: 0, total: 2 });
        onProgress({ name: 'b', received: 1, total: 2 });
        onProgress({ name: 'a', received: 2, total: 2 });
        seen = session.view.phase;
        return { files: {} };
      },
    });
    expect(seen).toEqual({
      kind: 'loading',
      downloads: [
        { name: 'a', received: 2, total: 2 },
        { name: 'b', received: 1, total: 2 },
      ],
    });
  });

  test('that is left while loading starts no machine', async () => {
    const { session, machines } = setUp();
    const loading = Promise.withResolvers<{ files: Record<string, Uint8Array> }>();
    const started = session.start({ ...launch, load: () => loading.promise });
    session.leave();
    loading.resolve({ files: {} });
    await started;
    expect(machines).toHaveLength(0);
    expect(session.view).toMatchObject({ phase: { kind: 'choosing' }, trouble: undefined });
  });

  test('ends with the guest, keeps its output on view and starts again with a machine of its own', async () => {
    const { session, machines } = setUp();
    await session.start(launch);
    const { output } = session;
    machines[0]?.emit({ kind: 'exit', code: 0, reason: 'guest-shutdown' });
    expect(session.view.phase).toEqual({ kind: 'ended', ending: { code: 0, reason: 'guest-shutdown' } });
    expect(machines[0]?.disposed).toBe(true);
    expect(session.output).toBe(output);
    await session.startAgain();
    expect(session.view).toMatchObject({ phase: { kind: 'on' }, run: 2 });
    expect(session.output).not.toBe(output);
  });

  test('a machine that was left cannot speak any more', async () => {
    const { session, machines } = setUp();
    await session.start(launch);
    session.leave();
    machines[0]?.emit({ kind: 'message', level: 'error', text: 'late' });
    expect(session.view.notices).toEqual([]);
  });

  test('powering off is the end, told as the person’s own wish', async () => {
    const { session } = setUp();
    await session.start(launch);
    await session.powerOff();
    expect(session.view.phase).toEqual({ kind: 'ended', ending: { code: 0, reason: 'host-quit' } });
  });

  test('keys go to the first serial port while the machine is on', async () => {
    const { session, machines } = setUp();
    session.type(new Uint8Array([1]));
    await session.start(launch);
    session.type(new Uint8Array([2]));
    expect(machines[0]?.serialInput).toHaveBeenCalledExactlyOnceWith(0, new Uint8Array([2]));
  });

  test('a message that comes again and again is shown once', async () => {
    const { session, machines } = setUp();
    await session.start(launch);
    for (let i = 0; i < 10; i++) machines[0]?.emit({ kind: 'message', level: 'warning', text: 'triple fault' });
    expect(session.view.notices.map(({ text }) => text)).toEqual(['triple fault']);
  });
});
