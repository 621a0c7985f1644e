import { VmError } from '../../util/errors.ts';
import { command } from '../command.ts';
import { enumOf, optional, str, struct } from '../schema.ts';
import { PICTURE_FORMATS, type ScreenView, type VmControl } from '../vm-control.ts';

export function screenOf({ screen }: VmControl): ScreenView {
  if (screen !== undefined) return screen;
  throw new VmError('There is no console to take a screendump from');
}

export const screendump = command({
  name: 'screendump',
  doc: 'Capture the contents of a screen and write it to a file.',
  args: struct({ filename: str, format: optional(enumOf(...PICTURE_FORMATS)) }),
  returns: struct({}),
  async run({ filename, format = 'ppm' }, vm) {
    vm.saveFile(filename, await screenOf(vm).picture(format));
    return {};
  },
});
