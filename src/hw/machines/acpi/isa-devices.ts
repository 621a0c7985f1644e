/** ACPI's view of the devices that no bus would find by itself. */
import { HPET_BYTES } from '../../devices/timer/hpet.ts';
import {
  ACCESS,
  type Aml,
  device,
  eisaId,
  either,
  field,
  integer,
  isEqual,
  isGreater,
  local,
  method,
  name,
  namePath,
  region,
  returns,
  SPACE,
  shiftRight,
  store,
  string,
  when,
} from './aml.ts';
import { type Descriptor, dmaChannel, fixedMemory, ioPorts, irqLine, resourceTemplate } from './resources.ts';

export interface IsaAcpiDevice {
  /** Four characters at most. */
  readonly path: string;
  readonly hid: string;
  readonly uid?: number;
  readonly resources: readonly Descriptor[];
}

const PRESENT = 0x0f;

/** Those that every PC has. */
export const COMMON_DEVICES: readonly IsaAcpiDevice[] = [
  { path: 'RTC', hid: 'PNP0B00', resources: [ioPorts(0x70, 8), irqLine(8)] },
  { path: 'KBD', hid: 'PNP0303', resources: [ioPorts(0x60, 1), ioPorts(0x64, 1), irqLine(1)] },
  { path: 'MOU', hid: 'PNP0F13', resources: [irqLine(12)] },
];

/** Devices that may be there, by QEMU's type: what they have at their ports and interrupt. `n` counts those of a kind. */
export const OPTIONAL_DEVICES: Readonly<Record<string, (port: number, irq: number, n: number) => IsaAcpiDevice>> = {
  'isa-serial': (port, irq, n) => ({
    path: `COM${n + 1}`,
    hid: 'PNP0501',
    uid: n + 1,
    resources: [ioPorts(port, 8), irqLine(irq)],
  }),
  'isa-parallel': (port, irq, n) => ({
    path: `LPT${n + 1}`,
    hid: 'PNP0400',
    uid: n + 1,
    resources: [ioPorts(port, 8), irqLine(irq)],
  }),
  'isa-fdc': (port, irq) => ({
    path: 'FDC0',
    hid: 'PNP0700',
    resources: [ioPorts(port + 2, 4), ioPorts(port + 7, 1), irqLine(irq), dmaChannel(2)],
  }),
  pvpanic: (port) => ({ path: 'PEVT', hid: 'QEMU0001', resources: [ioPorts(port, 1)] }),
};

export function isaDevice({ path, hid, uid, resources }: IsaAcpiDevice): Aml {
  return device(
    path,
    name('_HID', hid.startsWith('PNP') ? eisaId(hid) : string(hid)),
    ...(uid === undefined ? [] : [name('_UID', integer(uid))]),
    name('_STA', integer(PRESENT)),
    name('_CRS', resourceTemplate(...resources)),
  );
}

export const HPET_AT = 0xfed0_0000;
/** HPET 1.0a §2.3.4: a period beyond this, in femtoseconds, is not valid. */
const MAX_PERIOD = 100_000_000;

/** It is present if its identification and its period make sense. */
export function hpetDevice(): Aml {
  const [vendor, period] = [local(0), local(1)];
  const absent = returns(integer(0));
  return device(
    'HPET',
    name('_HID', eisaId('PNP0103')),
    name('_UID', integer(0)),
    region('HPTM', SPACE.memory, HPET_AT, HPET_BYTES),
    field('HPTM', ACCESS.dword | ACCESS.lock, [
      { name: 'VEND', bits: 32 },
      { name: 'PRD', bits: 32 },
    ]),
    method(
      '_STA',
      0,
      store(namePath('VEND'), vendor),
      store(namePath('PRD'), period),
      shiftRight(vendor, integer(16), vendor),
      when(either(isEqual(vendor, integer(0)), isEqual(vendor, integer(0xffff))), absent),
      when(either(isEqual(period, integer(0)), isGreater(period, integer(MAX_PERIOD))), absent),
      returns(integer(PRESENT)),
    ),
    name('_CRS', resourceTemplate(fixedMemory(HPET_AT, HPET_BYTES, false))),
  );
}
