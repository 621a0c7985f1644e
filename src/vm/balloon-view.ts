/** The memory balloon of a machine, for the monitor. */
import type { BalloonView } from '../control/vm-control.ts';
import type { InputQueue } from '../hw/core/input.ts';
import { virtioBalloonPci } from '../hw/devices/virtio/virtio-balloon.ts';
import { partsOf } from '../hw/machines/assembly.ts';
import type { Machine } from '../hw/machines/machine.ts';

/** Undefined: the machine has no balloon. */
export function balloonView({ devices }: Machine, input: InputQueue): BalloonView | undefined {
  const device = devices.find(({ type }) => type === virtioBalloonPci.type);
  if (device === undefined) return undefined;
  const { model } = partsOf(virtioBalloonPci, device);
  return {
    get actualBytes() {
      return model.actualBytes;
    },
    request: (bytes) => void input.post(device.id, bytes),
  };
}
