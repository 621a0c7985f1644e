/** A machine for the qtest protocol. Its clock is the test's as long as no processor runs. */
import type { QtestTarget } from '../control/qtest.ts';
import { VmError } from '../util/errors.ts';
import type { AssembledMachine } from './assemble.ts';

/** Names of the interrupt controllers by which tests know them. */
const CONTROLLERS: Readonly<Record<string, string>> = {
  ioapic: 'ioapic',
  'isa-i8259': 'pic',
  i8259: 'pic',
  pic: 'pic',
};

export function qtestTarget({ options, machine, clock, loop }: AssembledMachine): QtestTarget {
  const { io, memory } = machine;
  return {
    settle() {
      if (!loop.isRunning) loop.settle();
    },
    readPort: (port, size) => io.read(port, size),
    writePort: (port, value, size) => io.write(port, value, size),
    readMemory: (address, into) => memory.readBytes(address, into),
    writeMemory: (address, bytes) => memory.writeBytes(address, bytes),
    get nowNs() {
      return clock.now();
    },
    get nextDeadlineNs() {
      return clock.nextDeadline();
    },
    advanceTo(ns) {
      if (options.accel.name !== 'qtest') throw new VmError('the processor drives the clock (use -accel qtest)');
      clock.advanceTo(ns);
    },
    intercept(ends, path, changed) {
      // A path of QEMU's object tree ends in the name.
      const name = path.split('/').at(-1) ?? '';
      return machine.watchLines(ends, ends === 'in' ? (CONTROLLERS[name] ?? '') : name, changed);
    },
  };
}
