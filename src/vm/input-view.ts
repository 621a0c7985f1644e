/** Keys and pointers of a machine, for monitor and page. */
import type { InputControl } from '../control/vm-control.ts';
import type { InputQueue } from '../hw/core/input.ts';
import { inputRouting } from '../hw/devices/input/input-routing.ts';
import { partsOf } from '../hw/machines/assembly.ts';
import type { Machine } from '../hw/machines/machine.ts';

export interface InputView extends InputControl {
  /** Text as keys, at the guest's pace: src/input/typing.ts. */
  type(codes: Uint8Array): void;
  /** Forgets what is not typed yet. */
  stopTyping(): void;
  /** The pointer in use takes places on the screen, not motion. */
  readonly absolute: boolean;
}

export function inputView(machine: Machine, input: InputQueue): InputView {
  const device = machine.device('input');
  if (device === undefined) throw new Error('BUG: a machine without input routing');
  const routing = partsOf(inputRouting, device);
  return {
    key: (key, down, holdMs) =>
      void input.post('keyboard', holdMs === undefined ? { key, down } : { key, down, holdMs }),
    pointer: (event) => void input.post('mouse', { ...event }),
    get mice() {
      return routing.mice;
    },
    chooseMouse(index) {
      if (!routing.mice.some((mouse) => mouse.index === index)) return false;
      input.post('mouse', { choose: index });
      return true;
    },
    type: (codes) => void input.post('typing', codes),
    stopTyping: () => input.discard('typing'),
    get absolute() {
      return routing.absolute ?? false;
    },
  };
}
