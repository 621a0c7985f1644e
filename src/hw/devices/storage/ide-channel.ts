/**
 * One channel of a parallel ATA controller: command block and control block registers, the device that is selected, the
 * interrupt line. Document: ATA/ATAPI-6, T13/1410D revision 3b, §7 and §9.
 * Both devices take register writes; the one that is selected answers. Where a device is missing, the other one's cable
 * keeps what was written, as in QEMU: its status and error read as 0.
 */
import { VmError } from '../../../util/errors.ts';
import { BYTE_WIDE, type IoRegion, ioRegion } from '../../core/region.ts';
import { array, below, bool, type StateOf, struct, u8 } from '../../core/state.ts';
import { type AtaDma, type AtaHost, CONTROL, DEVICE, type IdeBus } from './ata.ts';
import { type AtaUnit, type TaskFile, taskFile } from './ata-unit.ts';

export const channelState = struct({
  selected: below(2),
  control: u8(),
  irq: bool(),
  /** Registers of devices that are not there. */
  absent: array(2, struct(taskFile)),
});
export type ChannelState = StateOf<{ c: typeof channelState }>['c'];

const REGISTER = { FEATURE: 1, COUNT: 2, SECTOR: 3, CYLINDER_LOW: 4, CYLINDER_HIGH: 5, DEVICE: 6, COMMAND: 7 } as const;

export interface ChannelOptions {
  /** QEMU's name of the bus, and how many came before it. */
  readonly name: string;
  readonly index: number;
  /** Which of its controller's channels it is. */
  readonly node: number;
  setIrq(level: boolean): void;
  /** INTRQ rose, whether the guest lets it through or not has been looked at. */
  onInterrupt?(): void;
  readonly dma?: AtaDma;
}

export class IdeChannel implements IdeBus {
  readonly kind = 'IDE';
  readonly name: string;
  /** The data register (1 port, 16 or 32 bits wide), the seven behind it, and the control block's one. */
  readonly data: IoRegion;
  readonly command: IoRegion;
  readonly control: IoRegion;

  private readonly s: ChannelState;
  private readonly options: ChannelOptions;
  private readonly units: (AtaUnit | undefined)[] = [undefined, undefined];

  constructor(state: ChannelState, options: ChannelOptions) {
    this.s = state;
    this.options = options;
    this.name = options.name;
    this.data = ioRegion(`${options.name}-data`, 1, {
      read: (_offset, size) => this.active?.readData(size) ?? 0,
      write: (_offset, value, size) => {
        if (size > 1) this.active?.writeData(value, size);
      },
    });
    this.command = ioRegion(
      `${options.name}-command`,
      7,
      { read: (offset) => this.read(offset + 1), write: (offset, value) => this.write(offset + 1, value) },
      BYTE_WIDE,
    );
    this.control = ioRegion(
      `${options.name}-control`,
      1,
      { read: () => this.status, write: (_offset, value) => this.writeControl(value) },
      BYTE_WIDE,
    );
  }

  get node(): number {
    return this.options.node;
  }
  get full(): boolean {
    return this.units.every((unit) => unit !== undefined);
  }
  plug(device: AtaUnit, wanted: number | undefined): { unit: number; number: number } {
    const unit = wanted ?? this.units.indexOf(undefined);
    if (unit >= 2) throw new VmError(`Can't create IDE unit ${unit}, bus supports only 2 units`);
    if (unit < 0 || this.units[unit] !== undefined) {
      throw new VmError(unit < 0 ? `Bus '${this.name}' is full` : `IDE unit ${unit} is in use`);
    }
    this.units[unit] = device;
    device.connect(this.host());
    return { unit, number: this.options.index * 2 + unit + 1 };
  }

  /** The device that is selected; undefined: none is there. */
  get active(): AtaUnit | undefined {
    return this.units[this.s.selected];
  }

  /** Channel's own part of a reset; devices reset themselves. */
  reset(): void {
    for (const registers of this.s.absent) putAbsentSignature(registers);
  }
  sync(): void {
    this.options.setIrq(this.s.irq);
  }

  private host(): AtaHost {
    return {
      dma: this.options.dma,
      interrupt: () => {
        if (this.s.control & CONTROL.NIEN) return;
        this.options.onInterrupt?.();
        this.setIrq(true);
      },
      commandDone() {},
    };
  }
  private setIrq(level: boolean): void {
    this.s.irq = level;
    this.options.setIrq(level);
  }

  private get isEmpty(): boolean {
    return this.units.every((unit) => unit === undefined);
  }
  private registersOf(unit: number): TaskFile {
    return this.units[unit]?.registers ?? (this.s.absent[unit] as TaskFile);
  }

  private get status(): number {
    return this.active?.registers.status ?? 0;
  }

  private read(register: number): number {
    const { selected, control } = this.s;
    const r = this.registersOf(selected);
    const hob = (control & CONTROL.HOB) !== 0;
    switch (register) {
      case REGISTER.FEATURE: // the error register
        if (this.active === undefined) return 0;
        return hob ? r.previousFeature : r.error;
      case REGISTER.COMMAND: {
        const { status } = this;
        this.setIrq(false);
        return status;
      }
      default:
    }
    if (this.isEmpty) return 0;
    switch (register) {
      case REGISTER.COUNT:
        return hob ? r.previousCount : r.count & 0xff;
      case REGISTER.SECTOR:
        return hob ? r.previousSector : r.sector;
      case REGISTER.CYLINDER_LOW:
        return hob ? r.previousCylinderLow : r.cylinderLow;
      case REGISTER.CYLINDER_HIGH:
        return hob ? r.previousCylinderHigh : r.cylinderHigh;
      default:
        return r.device;
    }
  }

  private write(register: number, value: number): void {
    if (register === REGISTER.COMMAND) {
      this.s.control &= ~CONTROL.HOB;
      this.setIrq(false);
      this.active?.execute(value);
      return;
    }
    if (this.active?.busy) return;
    this.s.control &= ~CONTROL.HOB;
    for (const unit of [0, 1]) writeRegister(this.registersOf(unit), register, value);
    if (register === REGISTER.DEVICE) this.s.selected = value & DEVICE.DEV ? 1 : 0;
  }

  private writeControl(value: number): void {
    const was = this.s.control;
    this.s.control = value;
    if (value & ~was & CONTROL.SRST) {
      for (const unit of this.units) unit?.startSoftReset();
    } else if (~value & was & CONTROL.SRST) {
      for (const registers of this.s.absent) putAbsentSignature(registers);
      this.s.selected = 0;
      for (const unit of this.units) unit?.finishSoftReset();
    }
  }
}

function writeRegister(r: TaskFile, register: number, value: number): void {
  switch (register) {
    case REGISTER.FEATURE:
      r.previousFeature = r.feature;
      r.feature = value;
      break;
    case REGISTER.COUNT:
      r.previousCount = r.count & 0xff;
      r.count = value;
      break;
    case REGISTER.SECTOR:
      r.previousSector = r.sector;
      r.sector = value;
      break;
    case REGISTER.CYLINDER_LOW:
      r.previousCylinderLow = r.cylinderLow;
      r.cylinderLow = value;
      break;
    case REGISTER.CYLINDER_HIGH:
      r.previousCylinderHigh = r.cylinderHigh;
      r.cylinderHigh = value;
      break;
    default:
      r.device = value | DEVICE.ALWAYS;
  }
}

/** What a cable without a device there looks like after a reset. */
function putAbsentSignature(r: TaskFile): void {
  r.count = r.sector = 1;
  r.cylinderLow = r.cylinderHigh = 0xff;
  r.device = DEVICE.ALWAYS;
}
