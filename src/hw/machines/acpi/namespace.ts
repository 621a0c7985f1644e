/**
 * The differentiated definition block of a PC: its PCI bus with interrupt routing, the devices of the ISA bus, and its
 * sleep states. Names and identifications are those of QEMU's DSDT.
 */
import {
  ACCESS,
  type Aml,
  and,
  arg,
  createDwordField,
  device,
  eisaId,
  field,
  integer,
  isEqual,
  isNotEqual,
  local,
  method,
  name,
  namePath,
  or,
  otherwise,
  packageOf,
  processor,
  region,
  returns,
  SPACE,
  scope,
  serializedMethod,
  store,
  string,
  uuid,
  when,
} from './aml.ts';
import { hpetDevice, type IsaAcpiDevice, isaDevice } from './isa-devices.ts';
import type { PcAcpi } from './pc-acpi.ts';
import {
  busNumbers,
  INTERRUPT_NUMBERS_AT,
  ioPorts,
  memoryWindow,
  portWindow,
  resourceTemplate,
  sharedInterrupts,
} from './resources.ts';

/** What a link device may choose, and whether it is in use. */
const LINK_CHOICES = [5, 10, 11] as const;
const LINK_DISABLED = 0x80;
const STATUS = { off: 0x09, on: 0x0b } as const;
const SLOTS = 32;
const FIRST_GSI = 16;
/** Capabilities of a PCI Express root that the system may take over: hot plug, PME, AER, structures. */
const OSC_SUPPORTED = 0x1f;
const OSC_UUID = '33db4d5b-1ff7-401c-9657-7441c03dd766';

export function namespace(pc: PcAcpi, isa: readonly IsaAcpiDevice[]): Aml {
  const { board } = pc;
  const isExpress = board.pciExpress !== undefined;
  return [
    ...scope('\\_SB', device('PCI0', ...rootIdentity(isExpress), name('_CRS', resources(pc)))),
    ...(isExpress ? [...name('PICF', integer(0)), ...method('_PIC', 1, store(arg(0), namePath('PICF')))] : []),
    ...scope('\\_SB', isaBridge(pc, isa), ...links(pc), scope('PCI0', ...routing(pc))),
    ...(pc.hpet ? scope('\\_SB', hpetDevice()) : []),
    ...scope('\\_SB', processor('C000', 0)),
    ...scope('\\_SB.PCI0', fwCfgDevice(), gpeDevice(pc)),
    ...sleepStates(pc.canSuspend),
  ];
}

function rootIdentity(isExpress: boolean): Aml[] {
  const common = [name('_ADR', integer(0)), name('_UID', integer(1))];
  if (!isExpress) return [name('_HID', eisaId('PNP0A03')), ...common];
  return [name('_HID', eisaId('PNP0A08')), name('_CID', eisaId('PNP0A03')), ...common, operatingSystemCapabilities()];
}

/** _OSC (PCI Firmware 3.2 §4.5): grants what we know, and says so where more was asked for. */
function operatingSystemCapabilities(): Aml {
  const [status, control] = [namePath('CDW1'), namePath('CDW3')];
  return method(
    '_OSC',
    4,
    createDwordField(arg(3), 0, 'CDW1'),
    when(
      isEqual(arg(0), uuid(OSC_UUID)),
      createDwordField(arg(3), 8, 'CDW3'),
      and(control, integer(OSC_SUPPORTED), local(0)),
      when(isNotEqual(arg(1), integer(1)), or(status, integer(0x08), status)),
      when(isNotEqual(control, local(0)), or(status, integer(0x10), status)),
      store(local(0), control),
    ),
    otherwise(or(status, integer(0x04), status)),
    returns(arg(3)),
  );
}

function resources({ pciHoles }: PcAcpi): Aml {
  return resourceTemplate(
    busNumbers(0, 0xff),
    ioPorts(0xcf8, 8),
    portWindow(0, 0xcf7),
    portWindow(0xd00, 0xffff),
    memoryWindow(0xa0000, 0xbffff, true),
    ...pciHoles.map(({ first, last }) => memoryWindow(first, last)),
  );
}

/** The bridge's routing registers become fields of _SB, `PRQA` and so on; the ISA devices stand below it. */
function isaBridge({ board }: PcAcpi, isa: readonly IsaAcpiDevice[]): Aml {
  const { slot, links } = board.isaBridge;
  const path = `S${(slot << 3).toString(16).toUpperCase().padStart(2, '0')}`;
  const first = links[0]?.register ?? 0;
  const last = links.at(-1)?.register ?? 0;
  const fields = links.flatMap(({ letter, register }, i) => {
    const gap = register - ((links[i - 1]?.register ?? first - 1) + 1);
    return [...(gap > 0 ? [{ bits: gap * 8 }] : []), { name: `PRQ${letter}`, bits: 8 }];
  });
  return scope(
    'PCI0',
    device(
      path,
      name('_ADR', integer(slot * 0x1_0000)),
      region('PIRQ', SPACE.pciConfig, first, last - first + 1),
      scope('\\_SB', field(`PCI0.${path}.PIRQ`, ACCESS.byte, fields)),
      ...isa.map(isaDevice),
    ),
  );
}

function links({ board, apic }: PcAcpi): Aml[] {
  const { links, fixed } = board.isaBridge;
  return [
    method(
      'IQST',
      1,
      when(and(integer(LINK_DISABLED), arg(0)), returns(integer(STATUS.off))),
      returns(integer(STATUS.on)),
    ),
    serializedMethod(
      'IQCR',
      1,
      name('PRR0', resourceTemplate(sharedInterrupts(0))),
      createDwordField(namePath('PRR0'), INTERRUPT_NUMBERS_AT, 'PRRI'),
      when(isEqual(and(arg(0), integer(LINK_DISABLED)), integer(0)), store(arg(0), namePath('PRRI'))),
      returns(namePath('PRR0')),
    ),
    ...links.map(({ letter }, i) => linkDevice(letter, i)),
    ...(fixed === undefined ? [] : [fixedLink('LNKS', links.length, fixed.irq)]),
    ...(apic && board.pciExpress !== undefined
      ? links.map(({ letter }, i) => fixedLink(`GSI${letter}`, FIRST_GSI + i, FIRST_GSI + i))
      : []),
  ];
}

/** A link whose interrupt is in a routing register. */
function linkDevice(letter: string, id: number): Aml {
  const register = namePath(`PRQ${letter}`);
  const call = (path: string): Aml => returns([...namePath(path), ...register]);
  return device(
    `LNK${letter}`,
    name('_HID', eisaId('PNP0C0F')),
    name('_UID', integer(id)),
    name('_PRS', resourceTemplate(sharedInterrupts(...LINK_CHOICES))),
    method('_STA', 0, call('IQST')),
    method('_DIS', 0, or(register, integer(LINK_DISABLED), register)),
    method('_CRS', 0, call('IQCR')),
    method('_SRS', 1, createDwordField(arg(0), INTERRUPT_NUMBERS_AT, 'PRRI'), store(namePath('PRRI'), register)),
  );
}

/** A link that cannot be moved. */
const fixedLink = (path: string, id: number, irq: number): Aml =>
  device(
    path,
    name('_HID', eisaId('PNP0C0F')),
    name('_UID', integer(id)),
    name('_PRS', resourceTemplate(sharedInterrupts(irq))),
    name('_CRS', resourceTemplate(sharedInterrupts(irq))),
    name('_STA', integer(STATUS.on)),
    method('_DIS', 0),
    method('_SRS', 1),
  );

/** Pins of slots to links. With an I/O APIC of more than 16 inputs the system may choose another table. */
function routing({ board, apic }: PcAcpi): Aml[] {
  const table = (prefix: string): Aml => packageOf(...routes(board.route, prefix, board.isaBridge.fixed?.pin));
  if (board.pciExpress === undefined || !apic) return [name('_PRT', table('LNK'))];
  return [
    name('PRTP', table('LNK')),
    name('PRTA', table('GSI')),
    method(
      '_PRT',
      0,
      when(isEqual(namePath('PICF'), integer(0)), returns(namePath('PRTP'))),
      returns(namePath('PRTA')),
    ),
  ];
}

function routes(
  route: (slot: number, pin: number) => string,
  prefix: string,
  fixed: { readonly slot: number; readonly pin: number } | undefined,
): Aml[] {
  return Array.from({ length: SLOTS * 4 }, (_, i) => {
    const [slot, pin] = [i >> 2, i & 3];
    const letter = slot === fixed?.slot && pin === fixed.pin ? 'S' : route(slot, pin);
    return packageOf(integer(slot * 0x1_0000 + 0xffff), integer(pin), namePath(`${prefix}${letter}`), integer(0));
  });
}

const fwCfgDevice = (): Aml =>
  device(
    'FWCF',
    name('_HID', string('QEMU0002')),
    name('_STA', integer(STATUS.on)),
    name('_CRS', resourceTemplate(ioPorts(0x510, 12))),
  );

/** Reserves the ports of the general-purpose events. */
const gpeDevice = ({ gpe0 }: PcAcpi): Aml =>
  device(
    'GPE0',
    name('_HID', string('PNP0A06')),
    name('_UID', string('GPE0 resources')),
    name('_STA', integer(STATUS.on)),
    name('_CRS', resourceTemplate(ioPorts(gpe0.port, gpe0.bytes))),
  );

function sleepStates(canSuspend: boolean): Aml {
  const state = (path: string, type: number): Aml =>
    name(path, packageOf(integer(type), integer(type), integer(0), integer(0)));
  return [...(canSuspend ? state('\\_S3', 1) : []), ...state('\\_S4', 2), ...state('\\_S5', 0)];
}
