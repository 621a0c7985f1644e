/**
 * The ACPI tables that a PC with i440FX, PIIX3 and PIIX4 shows when no firmware runs: enough for a guest to find the
 * PCI bus with its interrupts, the ISA devices, and the way to power off.
 */
import { type Aml, device, eisaId, integer, name, packageOf, scope } from './aml.ts';
import {
  busNumbers,
  type Descriptor,
  ioPorts,
  irqLine,
  memoryWindow,
  portWindow,
  resourceTemplate,
} from './resources.ts';
import { facs, fadt, rootPointer, rsdt, table } from './tables.ts';

export interface PcAcpiOptions {
  /** Where the tables go; the root pointer comes first. 16-byte aligned, within 0xe0000 to 0xfffff. */
  readonly at: number;
  readonly pmBase: number;
  readonly sciIrq: number;
  readonly acpiEnable: number;
  readonly acpiDisable: number;
  /** IRQ of PIRQA# to PIRQD#, as the firmware routed them. */
  readonly pirqIrqs: readonly number[];
  /** Window for PCI memory below 4 GiB. */
  readonly pciHole: { readonly first: number; readonly last: number };
  /** ISA serial ports. */
  readonly serials: readonly { readonly port: number; readonly irq: number }[];
}

const APM_CONTROL = 0xb2;
const CMOS_CENTURY = 0x32;
const SLOTS = 32;

/** The bytes at `options.at`; the root pointer is the first of them. */
export function pcAcpiTables(options: PcAcpiOptions): Uint8Array {
  const { at, pmBase, sciIrq, acpiEnable, acpiDisable } = options;
  const places: { readonly at: number; readonly bytes: Uint8Array }[] = [];
  let next = at + 64; // behind the root pointer
  function place(bytes: Uint8Array): number {
    const here = next;
    places.push({ at: here, bytes });
    next = Math.ceil((here + bytes.length) / 64) * 64; // FACS needs 64
    return here;
  }
  const control = place(facs());
  const dsdt = place(table('DSDT', 1, pcNamespace(options)));
  const fixed = place(
    fadt({
      facs: control,
      dsdt,
      sciIrq,
      smiCommandPort: APM_CONTROL,
      acpiEnable,
      acpiDisable,
      pmBase,
      century: CMOS_CENTURY,
    }),
  );
  const root = place(rsdt([fixed]));
  places.push({ at, bytes: rootPointer(root) });

  const image = new Uint8Array(next - at);
  for (const { at: where, bytes } of places) image.set(bytes, where - at);
  return image;
}

function pcNamespace({ pirqIrqs, pciHole, serials }: PcAcpiOptions): Aml {
  const sleepTypes = (type: number): Aml => packageOf(integer(type), integer(type), integer(0), integer(0));
  const pciRoot = device(
    'PCI0',
    name('_HID', eisaId('PNP0A03')),
    name('_UID', integer(1)),
    name('_ADR', integer(0)),
    name(
      '_CRS',
      resourceTemplate(
        busNumbers(0, 0xff),
        ioPorts(0xcf8, 8),
        portWindow(0, 0xcf7),
        portWindow(0xd00, 0xffff),
        memoryWindow(0xa0000, 0xbffff),
        memoryWindow(pciHole.first, pciHole.last),
      ),
    ),
    name('_PRT', packageOf(...interruptRoutes(pirqIrqs))),
    device('ISA', name('_ADR', integer(0x1_0000)), ...isaDevices(serials)),
  );
  return [...scope('\\_SB', pciRoot), ...name('\\_S5', sleepTypes(0))];
}

/** Pins are wired as `piixRoute` says; the fourth element is the IRQ, as no link device chooses it. */
function interruptRoutes(pirqIrqs: readonly number[]): Aml[] {
  return Array.from({ length: SLOTS * 4 }, (_, i) => {
    const [slot, pin] = [i >> 2, i & 3];
    const irq = pirqIrqs[(pin + slot - 1) & 3] ?? 0;
    return packageOf(integer(slot * 0x1_0000 + 0xffff), integer(pin), integer(0), integer(irq));
  });
}

function isaDevices(serials: PcAcpiOptions['serials']): Aml[] {
  const isaDevice = (path: string, id: string, ...resources: readonly Descriptor[]): Aml =>
    device(path, name('_HID', eisaId(id)), name('_CRS', resourceTemplate(...resources)));
  return [
    isaDevice('RTC', 'PNP0B00', ioPorts(0x70, 2), irqLine(8)),
    isaDevice('KBD', 'PNP0303', ioPorts(0x60, 1), ioPorts(0x64, 1), irqLine(1)),
    isaDevice('MOU', 'PNP0F13', irqLine(12)),
    ...serials.map(({ port, irq }, i) =>
      device(
        `COM${i + 1}`,
        name('_HID', eisaId('PNP0501')),
        name('_UID', integer(i + 1)),
        name('_CRS', resourceTemplate(ioPorts(port, 8), irqLine(irq))),
      ),
    ),
  ];
}
