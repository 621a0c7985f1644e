import { afterEach, describe, expect, test } from 'vitest';
import { createNodeHost } from '../cli/node-host.ts';
import type { InputEvent } from '../hw/core/input.ts';
import type { VmEvent } from './api.ts';
import type { History } from './assemble.ts';
import { MachineVm } from './machine-vm.ts';
import {
  CLI,
  ECHO_UNTIL_Q,
  firmware,
  HLT,
  LOOP,
  multiboot,
  out8,
  print,
  spin,
  TRIPLE_FAULT,
} from './real-mode.fixture.ts';

const DEBUG_EXIT = ['-device', 'isa-debug-exit'];
const exitWith = (value: number): number[] => out8(0x501, value);

const machines: MachineVm[] = [];
afterEach(async () => {
  for (const vm of machines.splice(0)) await vm.quit();
});

function createRig(history: History = {}) {
  const events: VmEvent[] = [];
  let log = '';
  const waiters: { wanted: (event: VmEvent) => boolean; resolve: (event: VmEvent) => void }[] = [];
  const vm = new MachineVm({ host: createNodeHost(), log: (text) => void (log += text), history });
  machines.push(vm);
  const rig = {
    vm,
    events,
    get log() {
      return log;
    },
    get serial() {
      return events
        .filter((event) => event.kind === 'serial')
        .map(({ bytes }) => new TextDecoder('latin1').decode(bytes))
        .join('');
    },
    start: (image: Uint8Array, ...args: string[]) =>
      vm.start(
        {
          args: [...(args.includes('-kernel') ? [] : ['-bios', 'bios']), '-vga', 'none', '-m', '4', ...args],
          files: { bios: image },
        },
        (event) => {
          events.push(event);
          for (const [i, { wanted, resolve }] of [...waiters.entries()].reverse()) {
            if (!wanted(event)) continue;
            waiters.splice(i, 1);
            resolve(event);
          }
        },
      ),
    /** The first event of this kind, past or to come. */
    when<K extends VmEvent['kind']>(kind: K, also: (event: Extract<VmEvent, { kind: K }>) => boolean = () => true) {
      type Wanted = Extract<VmEvent, { kind: K }>;
      const wanted = (event: VmEvent): event is Wanted => event.kind === kind && also(event as Wanted);
      const past = events.find(wanted);
      if (past !== undefined) return Promise.resolve(past);
      return new Promise<Wanted>((resolve) => waiters.push({ wanted, resolve: resolve as (event: VmEvent) => void }));
    },
  };
  return rig;
}

describe('how a guest ends its machine', () => {
  test('isa-debug-exit: (value << 1) | 1', async () => {
    const rig = createRig();
    await rig.start(firmware(print('hi'), exitWith(16)), ...DEBUG_EXIT);
    expect(await rig.when('exit')).toEqual({ kind: 'exit', code: 33, reason: 'debug-exit' });
    expect(rig.serial).toBe('hi');
  });

  test('a triple fault resets the machine, and is said', async () => {
    const rig = createRig();
    // CMOS byte 40h counts the starts: it survives a reset.
    const second = [0xb0, 0x40, 0xe6, 0x70, 0xe4, 0x71, 0xfe, 0xc0, 0xe6, 0x71, 0x3c, 0x02, 0x75, 0x06];
    await rig.start(firmware(second, exitWith(3), TRIPLE_FAULT), ...DEBUG_EXIT, '-d', 'cpu_reset');
    expect(await rig.when('exit')).toMatchObject({ code: 7 });
    expect(rig.log).toMatch(/^CPU Reset \(CPU 0\)\nEAX=.*\nTriple fault\nCPU Reset \(CPU 0\)\nEAX=/s);
    expect(rig.events).toContainEqual({
      kind: 'message',
      level: 'info',
      text: expect.stringMatching(/^triple fault at EIP 0000e\w\w\w: the machine is reset$/),
    });
  });

  test('a reset under -no-reboot ends it with status 0', async () => {
    const rig = createRig();
    await rig.start(firmware(print('x'), TRIPLE_FAULT), '-no-reboot');
    expect(await rig.when('exit')).toEqual({ kind: 'exit', code: 0, reason: 'guest-reset' });
    expect(rig.serial).toBe('x');
  });

  test('a reset by port 92h under -no-reboot -no-shutdown holds the machine for inspection', async () => {
    const rig = createRig();
    await rig.start(firmware([0xb0, 0x01, 0xe6, 0x92], LOOP), '-no-reboot', '-no-shutdown');
    expect(await rig.when('state', ({ state }) => state === 'shutdown')).toMatchObject({ reason: 'guest-reset' });
    expect(await rig.vm.monitor('info status')).toBe('VM status: paused (shutdown)\n');
    await expect(rig.vm.resume()).rejects.toThrow('Resetting the Virtual Machine is required');
  });

  test('HLT with interrupts off is reported, and the machine stays', async () => {
    const rig = createRig();
    await rig.start(firmware(CLI, HLT));
    expect(await rig.when('message')).toEqual({
      kind: 'message',
      level: 'warning',
      text: 'the guest halted with interrupts disabled at EIP 0000e002: only a reset can wake it',
    });
    expect(await rig.vm.monitor('info registers')).toContain('HLT=1');
  });

  /** Vector 2 leads behind `code`, where 'n' is printed. */
  function withNmiHandler(code: readonly number[]): Uint8Array {
    const at = 0xe000 + 12 + code.length;
    const vector = [0xc7, 0x06, 0x08, 0x00, at & 0xff, at >> 8, 0xc7, 0x06, 0x0a, 0x00, 0x00, 0xf0];
    return firmware(vector, code, print('n'), [0xcf]);
  }

  test('the monitor injects NMIs, which wake a halt with interrupts off', async () => {
    const rig = createRig();
    const wait = [...CLI, ...HLT, ...print('r')];
    await rig.start(withNmiHandler([...wait, 0xeb, (-wait.length - 2) & 0xff]));
    for (const output of ['nr', 'nrnr']) {
      await rig.when('message');
      expect(await rig.vm.monitor('nmi')).toBe('');
      await rig.when('serial', () => rig.serial === output);
    }
  });

  test('NMIs interrupt a loop with interrupts off, each once; two that come while it is paused are one', async () => {
    const rig = createRig();
    await rig.start(withNmiHandler([...print('s'), ...CLI, ...LOOP]));
    await rig.when('serial');
    await rig.vm.pause();
    await rig.vm.monitor('nmi');
    await rig.vm.monitor('nmi');
    await rig.vm.resume();
    await rig.when('serial', () => rig.serial === 'sn');
    await rig.vm.monitor('nmi');
    await rig.when('serial', () => rig.serial === 'snn');
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(rig.serial).toBe('snn');
  });

  test('execution outside RAM and ROM stops the machine with the address', async () => {
    const rig = createRig();
    // mov eax, 0xb0000000; jmp eax
    await rig.start(multiboot([0xb8, 0x00, 0x00, 0x00, 0xb0, 0xff, 0xe0]), '-kernel', 'bios');
    const message = await rig.when('message');
    expect(message).toMatchObject({ level: 'error', text: expect.stringContaining('0xb0000000') });
    await rig.when('state', ({ state }) => state === 'internal-error');
    await expect(rig.vm.resume()).rejects.toThrow('the machine stopped on an error');
  });
});

describe('a running machine', () => {
  test('takes serial input and gives output', async () => {
    const rig = createRig();
    await rig.start(firmware(ECHO_UNTIL_Q, exitWith(0)), ...DEBUG_EXIT);
    await rig.vm.serialInput(0, new TextEncoder().encode('hello, more than a FIFO holds '));
    await rig.vm.serialInput(0, new TextEncoder().encode('q'));
    await rig.when('exit');
    expect(rig.serial).toBe('hello, more than a FIFO holds q');
  });

  test('pauses, resumes and resets', async () => {
    const rig = createRig();
    await rig.start(firmware(print('.'), LOOP));
    await rig.when('serial');
    await rig.vm.pause();
    const { instructions } = await rig.vm.status();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(await rig.vm.status()).toMatchObject({ state: 'paused', instructions });
    await rig.vm.reset();
    expect(await rig.vm.monitor('p/x $eip')).toBe('0xfff0\n');
    await rig.vm.resume();
    await rig.when('serial', () => rig.serial === '..');
    expect(rig.events.filter(({ kind }) => kind === 'state')).toMatchObject([
      { state: 'running' },
      { state: 'paused' },
      { state: 'running' },
    ]);
  });

  test('with -S waits at the reset vector for the monitor', async () => {
    const rig = createRig();
    await rig.start(firmware(exitWith(1)), ...DEBUG_EXIT, '-S');
    expect(await rig.vm.monitor('info status')).toBe('VM status: paused (prelaunch)\n');
    expect(await rig.vm.monitor('xp/2xb 0xffff0')).toBe('00000000000ffff0: 0xea 0x00\n');
    expect(await rig.vm.monitor('x/2xb $pc')).toBe('fffffff0: 0xea 0x00\n');
    expect(await rig.vm.monitor('info pic')).toBe(
      'pic1: irr=00 imr=00 isr=00 hprio=0 irq_base=00 rr_sel=0 elcr=00 fnm=0\n' +
        'pic0: irr=01 imr=00 isr=00 hprio=0 irq_base=00 rr_sel=0 elcr=00 fnm=0\n',
    );
    expect(await rig.vm.monitor('info jit')).toContain('TB count            0\n');
    expect(await rig.vm.monitor('xp 0xb0000000')).toBe('00000000b0000000: Cannot access memory\n');
    await rig.vm.monitor('c');
    expect(await rig.when('exit')).toMatchObject({ code: 3 });
  });

  test('sends its status while it runs', async () => {
    const rig = createRig();
    await rig.start(firmware(LOOP));
    const { status } = await rig.when('status', ({ status }) => status.mips > 0);
    expect(status).toMatchObject({ state: 'running', ramBytes: 4 << 20 });
    expect(Object.values(status.share).reduce((sum, part) => sum + part, 0)).toBeCloseTo(1);
    expect(status.guestNs).toBeGreaterThan(0);
  });
});

describe('-d', () => {
  const logOf = async (items: string, ...code: number[][]): Promise<string> => {
    const rig = createRig();
    await rig.start(firmware(...code, exitWith(0)), ...DEBUG_EXIT, '-d', items);
    await rig.when('exit');
    return rig.log;
  };

  test('in_asm shows each block that is translated', async () => {
    const log = await logOf('in_asm', [0x90, 0x90]);
    expect(log).toContain('----------------\nIN: \n0xfffffff0:  ea 00 e0 00 f0');
    expect(log).toMatch(/\n0x000fe000: {2}90 +nop\n0x000fe001: {2}90 +nop\n/);
  });

  test('op shows its IR', async () => {
    expect(await logOf('op', [0x40])).toMatch(/OP:\nblock 0x000fe000 .*\n---- 0x000fe000/s);
  });

  test('out_asm shows compiled loops as WebAssembly text', async () => {
    const rig = createRig();
    await rig.start(multiboot([...spin(300_000), ...CLI, ...HLT]), '-kernel', 'bios', '-d', 'out_asm');
    await rig.when('message');
    expect(rig.log).toMatch(/^OUT: \[size=\d+\] 0x00100025\n.*loop/s);
  });

  test('op_opt shows the IR after the passes', async () => {
    expect(await logOf('op_opt', [0x40])).toMatch(/^OP after optimization:\nblock 0xfffffff0 .*\n----/);
  });

  test('info jit tells what was compiled, what it ran, and where time went', async () => {
    const rig = createRig();
    await rig.start(multiboot([...spin(3_000_000), ...CLI, ...HLT]), '-kernel', 'bios');
    await rig.when('message');
    const text = await rig.vm.monitor('info jit');
    expect(text).toMatch(/^regions compiled {4}[1-9]\d* in \d+ modules, \d+ bytes$/m);
    expect(Number(/^compiled code ran {3}([\d.]+)% of 6000003/m.exec(text)?.[1])).toBeGreaterThan(90);
    expect(text).toMatch(/^exits {15}end of slice \d+, hot block [1-9]/m);
    const shares = [...text.matchAll(/(?:interpreter|jit|translation|devices|idle) ([\d.]+)%/g)];
    expect(shares.reduce((sum, [, part]) => sum + Number(part), 0)).toBeCloseTo(100, 0);
  });

  test('exec and cpu show every block that is entered, the same one as often as it is', async () => {
    // mov cx, 2; again: dec cx; jnz again; mov ax, 1234h
    const log = await logOf('exec,cpu', [0xb9, 0x02, 0x00, 0x49, 0x75, 0xfd, 0xb8, 0x34, 0x12]);
    const places = [...log.matchAll(/^Trace 0: 0x\w{8} \[000f0000\/(\w+)\//gm)].map(([, pc]) => pc);
    expect(places).toEqual(['000fe000', '000fe003', '000fe006']);
    expect(log).toMatch(/\/000fe003\/.*\nEAX=00000000 EBX=00000000 ECX=00000001 .*\nESI=.*\nEIP=0000e003 /);
    expect(log).not.toContain('FCW=');
  });

  test('exec leaves the guest as it is, to the instruction', async () => {
    // mov al, 0; out 43h, al; in al, 40h; rdtsc; and again, in the middle of interrupts that are not taken
    const code = [...out8(0x43, 0), 0xe4, 0x40, 0x0f, 0x31, 0x66, 0x01, 0xc3];
    const hashWith = async (...args: string[]) => {
      const rig = createRig();
      await rig.start(firmware(code, spin(3000), code, CLI, HLT), '-icount', 'shift=3', '-cpu', 'pentium2', ...args);
      await rig.when('message');
      return rig.vm.stateHash();
    };
    const base = ['-rtc', 'base=2020-01-01'];
    expect(await hashWith(...base, '-d', 'exec')).toEqual(await hashWith(...base));
  });

  test('mmu shows control registers, TLB fills and flushes', async () => {
    // mov eax, cr0; or al, 2; mov cr0, eax; invlpg [0]
    const code = [0x0f, 0x20, 0xc0, 0x0c, 0x02, 0x0f, 0x22, 0xc0, 0x0f, 0x01, 0x3e, 0x00, 0x00];
    const log = await logOf('mmu', code);
    expect(log).toMatch(/^A20 update: a20=1$/m);
    expect(log).toMatch(/^tlb_flush: all$/m);
    expect(log).toMatch(/^tlb_fill: vaddr=fffffff0 paddr=fffff000 fetch mmu_idx=0$/m);
    expect(log).toMatch(/^CR0 update: CR0=0x60000012$/m);
    expect(log).toMatch(/^tlb_flush_page: vaddr=00000000$/m);
  });

  test('int shows hardware interrupts by their vector', async () => {
    const rig = createRig();
    // ICW1-4 of the 8259A with vectors from 20h, timer unmasked, sti, hlt; the empty IDT then faults.
    const to = (port: number, value: number): number[] => [0x66, 0xba, port & 255, port >> 8, 0xb0, value, 0xee];
    const init = [to(0x20, 0x11), to(0x21, 0x20), to(0x21, 4), to(0x21, 1), to(0x21, 0xfe)].flat();
    const timer = [to(0x43, 0x34), to(0x40, 0), to(0x40, 1)].flat();
    await rig.start(multiboot([...init, ...timer, 0xfb, ...HLT]), '-kernel', 'bios', '-no-reboot', '-d', 'int');
    await rig.when('exit');
    expect(rig.log).toMatch(/^Servicing hardware INT=0x20\n {5}0: v=20 e=0000 i=0 cpl=0 IP=0010:/);
  });

  test('int shows exceptions of protected mode with the registers', async () => {
    const rig = createRig();
    // lidt [zeros]; int3: #BP, then nothing that could handle #GP and #DF.
    const code = [0x0f, 0x01, 0x1d, 0x00, 0x00, 0x20, 0x00, 0xcc];
    await rig.start(multiboot(code), '-kernel', 'bios', '-no-reboot', '-d', 'int');
    await rig.when('exit');
    expect(rig.log).toMatch(
      /^ {5}0: v=03 e=0000 i=1 cpl=0 IP=0010:\w{8} pc=0010002\w SP=0018:00000000 env->regs\[R_EAX\]=2badb002\nEAX=2badb002/,
    );
  });
});

describe('a recorded history', () => {
  // rdtsc; mov [500h], eax: what the guest keeps depends on when its input came.
  const guest = firmware(ECHO_UNTIL_Q, [0x0f, 0x31, 0x66, 0xa3, 0x00, 0x05], CLI, HLT);
  const options = ['-rtc', 'base=2020-01-01', '-cpu', 'pentium2'];

  test('replayed gives the same machine at the same instruction, whatever the host does', async () => {
    const events: InputEvent[] = [];
    const live = createRig({ record: (event) => void events.push(event) });
    await live.start(guest, ...options);
    for (const letter of 'some q') {
      await new Promise((resolve) => setTimeout(resolve, 15));
      await live.vm.serialInput(0, new TextEncoder().encode(letter));
    }
    await live.when('message');
    const recorded = await live.vm.stateHash();
    expect(events.filter(({ target }) => target === 'serial0')).toHaveLength(6);
    expect(events.some(({ target }) => target === 'clock')).toBe(true);

    const replayed = createRig({ replay: structuredClone(events) });
    await replayed.start(guest, ...options, '-accel', 'tcg,engine=interp');
    await replayed.when('message');
    expect(await replayed.vm.stateHash()).toEqual(recorded);
    expect(replayed.serial).toBe(live.serial);
  });
});

describe('the state hash', () => {
  // Flat code, so that the loop is compiled.
  const guest = multiboot([...spin(300_000), ...CLI, ...HLT]);
  const hashAtEnd = async (...args: string[]) => {
    const rig = createRig();
    await rig.start(guest, '-kernel', 'bios', '-icount', 'shift=3,sleep=off', '-rtc', 'base=2020-01-01', ...args);
    await rig.when('message');
    return rig.vm.stateHash();
  };

  test('is the same for the same history, in every engine', async () => {
    const compiled = await hashAtEnd('-accel', 'tcg,engine=jit');
    expect(compiled.instructions).toBeGreaterThan(600_000);
    expect(await hashAtEnd('-accel', 'tcg,engine=jit')).toEqual(compiled);
    expect(await hashAtEnd('-accel', 'tcg,engine=interp')).toEqual(compiled);
    expect(await hashAtEnd('-accel', 'tcg,engine=eval')).toEqual(compiled);
  });

  test('is taken at an exact count, whatever the slices were', async () => {
    const hashAt = async (count: number, ...args: string[]) => {
      const rig = createRig();
      const paced = ['-kernel', 'bios', '-S', '-icount', 'shift=3,sleep=off', '-rtc', 'base=2020-01-01'];
      await rig.start(guest, ...paced, ...args);
      await rig.vm.pauseAt(count);
      return rig.vm.stateHash();
    };
    const compiled = await hashAt(345_678);
    expect(compiled.instructions).toBe(345_678);
    expect(await hashAt(345_678, '-accel', 'tcg,engine=interp')).toEqual(compiled);
    expect((await hashAt(345_679)).hash).not.toBe(compiled.hash);
  });

  test('tells machines apart', async () => {
    const one = await hashAtEnd();
    expect((await hashAtEnd('-rtc', 'base=2020-01-02')).hash).not.toBe(one.hash);
  });
});

describe('what cannot be started', () => {
  test.each([
    [['-kernel', 'k'], "could not open kernel file 'k': No such file or directory"],
    [
      ['-kernel', 'bios', '-initrd', 'i', '-display', 'none'],
      "could not load kernel 'bios': neither a Linux boot header (HdrS) nor",
    ],
    [['-cpu', 'z80'], "-cpu z80: unable to find CPU model 'z80'"],
  ])('%j', async (args, message) => {
    const vm = new MachineVm({ host: createNodeHost() });
    machines.push(vm);
    await expect(vm.start({ args, files: { bios: firmware(LOOP) } }, () => {})).rejects.toThrow(message);
  });

  test('commands before the start say so', async () => {
    const vm = new MachineVm({ host: createNodeHost() });
    await expect(vm.status()).rejects.toThrow('there is no machine');
  });
});
