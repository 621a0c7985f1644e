/** The machine as monitor, QMP and debugger see it. */
import type { BlockControl } from '../control/block-control.ts';
import type { VmControl } from '../control/vm-control.ts';
import type { Vm } from './api.ts';
import type { AssembledMachine } from './assemble.ts';
import { balloonView } from './balloon-view.ts';
import type { Debugger } from './debugger.ts';
import type { InputView } from './input-view.ts';
import type { Lifecycle } from './lifecycle.ts';
import type { Outputs } from './outputs.ts';
import { describePic } from './pic-text.ts';
import { describeUsb } from './usb-text.ts';
import { VERSION } from './version.ts';

export interface ControlParts {
  readonly machine: AssembledMachine;
  readonly lifecycle: Lifecycle;
  readonly outputs: Outputs;
  readonly input: InputView;
  readonly blocks: BlockControl;
  readonly debug: Debugger;
}

export function controlInterface(
  vm: Vm & Record<'injectNmi' | 'powerdown' | 'wakeup', () => Promise<void>>,
  { machine: parts, lifecycle, outputs, input: keysAndPointers, blocks, debug }: ControlParts,
): VmControl {
  const { options, machine, input, cpu, status, screen, readPhysical } = parts;
  return {
    debug,
    version: VERSION,
    name: options.name,
    uuid: options.uuid,
    get runState() {
      return lifecycle.state;
    },
    cpus: [cpu],
    input: keysAndPointers,
    blocks,
    balloon: balloonView(machine, input),
    screen: screen && {
      text: () => screen.text(),
      picture: (format) => screen.pictureFile(format),
    },
    saveFile: (name, bytes) => outputs.onEvent({ kind: 'file', name, bytes }),
    stop: () => vm.pause(),
    cont: () => vm.resume(),
    systemReset: () => vm.reset(),
    systemPowerdown: () => vm.powerdown(),
    systemWakeup: () => vm.wakeup(),
    injectNmi: () => vm.injectNmi(),
    quit: () => vm.quit(),
    readPhysical: (address, into) => readPhysical(Number(address), into),
    describe(topic) {
      if (topic === 'jit') return status.describeEngine();
      return topic === 'usb' ? describeUsb(machine) : describePic(machine);
    },
  };
}
