/** `info pic`: the interrupt controllers' registers, in QEMU's form. */
import { i8259 } from '../hw/devices/intc/i8259.ts';
import type { Machine } from '../hw/machines/machine.ts';

type Controllers = ReturnType<typeof i8259.state.fresh>;

export function describePic(machine: Machine): string | undefined {
  const pic = machine.devices.find(({ type }) => type === i8259.type);
  if (pic === undefined) return undefined;
  const { master, slave } = pic.state as Controllers;
  return line('pic1', slave) + line('pic0', master);
}

function line(name: string, chip: Controllers['master']): string {
  const hex = (value: number): string => value.toString(16).padStart(2, '0');
  return (
    `${name}: irr=${hex(chip.irr)} imr=${hex(chip.imr)} isr=${hex(chip.isr)} hprio=${chip.priorityAdd} ` +
    `irq_base=${hex(chip.irqBase)} rr_sel=${chip.readIsr ? 1 : 0} elcr=${hex(chip.elcr)} ` +
    `fnm=${chip.specialFullyNested ? 1 : 0}\n`
  );
}
