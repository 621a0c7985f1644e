import { VmError } from '../../util/errors.ts';
import { command } from '../command.ts';
import { int, struct } from '../schema.ts';
import type { BalloonView, VmControl } from '../vm-control.ts';

function balloonOf({ balloon }: VmControl): BalloonView {
  if (balloon !== undefined) return balloon;
  throw new VmError('No balloon device has been activated', { class: 'DeviceNotActive' });
}

export const balloon = command({
  name: 'balloon',
  doc: 'Request the balloon driver to change its balloon size.',
  args: struct({ value: int }),
  returns: struct({}),
  run({ value }, vm) {
    const view = balloonOf(vm);
    if (value <= 0) throw new VmError("Parameter 'target' expects a size");
    view.request(value);
    return {};
  },
});

export const queryBalloon = command({
  name: 'query-balloon',
  doc: 'Return information about the balloon device.',
  args: struct({}),
  returns: struct({ actual: int }),
  run: (_args, vm) => ({ actual: balloonOf(vm).actualBytes }),
});
