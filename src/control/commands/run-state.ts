import { command } from '../command.ts';
import { struct } from '../schema.ts';

const nothing = struct({});

export const stop = command({
  name: 'stop',
  doc: 'Stop guest VM execution.',
  args: nothing,
  returns: nothing,
  async run(_args, vm) {
    await vm.stop();
    return {};
  },
});

export const cont = command({
  name: 'cont',
  doc: 'Resume guest VM execution.',
  args: nothing,
  returns: nothing,
  async run(_args, vm) {
    await vm.cont();
    return {};
  },
});

export const systemReset = command({
  name: 'system_reset',
  doc: 'Performs a hard reset of a guest.',
  args: nothing,
  returns: nothing,
  async run(_args, vm) {
    await vm.systemReset();
    return {};
  },
});

export const systemPowerdown = command({
  name: 'system_powerdown',
  doc: 'Requests that a guest perform a powerdown operation.',
  args: nothing,
  returns: nothing,
  async run(_args, vm) {
    await vm.systemPowerdown();
    return {};
  },
});

export const systemWakeup = command({
  name: 'system_wakeup',
  doc: 'Wake up guest from suspend.',
  args: nothing,
  returns: nothing,
  async run(_args, vm) {
    await vm.systemWakeup();
    return {};
  },
});

export const injectNmi = command({
  name: 'inject-nmi',
  doc: 'Injects a Non-Maskable Interrupt in the default CPU (x86/s390) or all CPUs (ppc64).',
  args: nothing,
  returns: nothing,
  async run(_args, vm) {
    await vm.injectNmi();
    return {};
  },
});

export const quit = command({
  name: 'quit',
  doc: 'Stop guest VM execution and exit the program.',
  args: nothing,
  returns: nothing,
  async run(_args, vm) {
    await vm.quit();
    return {};
  },
});
