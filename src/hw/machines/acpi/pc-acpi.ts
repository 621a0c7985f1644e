/** The ACPI tables of a PC, as firmware gets them and as a kernel that starts without firmware finds them. */
import { HPET_ID } from '../../devices/timer/hpet.ts';
import { addFadt, facs, hpetTable, madt, mcfg, waet } from './fixed-tables.ts';
import { COMMON_DEVICES, HPET_AT, type IsaAcpiDevice } from './isa-devices.ts';
import { namespace } from './namespace.ts';
import { type TableBlock, TableBlockBuilder, table } from './tables.ts';

/** What a board's chip set makes of ACPI. */
export interface AcpiBoard {
  readonly pmBase: number;
  readonly sciIrq: number;
  readonly acpiEnable: number;
  readonly acpiDisable: number;
  /** General-purpose events: half of the bytes are status, half enables. */
  readonly gpe0: { readonly port: number; readonly bytes: number };
  readonly fadtRevision: 1 | 3;
  /** Where configuration space is in memory. */
  readonly pciExpress?: { readonly address: number; readonly lastBus: number };
  readonly isaBridge: {
    readonly slot: number;
    /** Interrupt links and their routing registers, in configuration space. */
    readonly links: readonly { readonly letter: string; readonly register: number }[];
    /** A pin that is hard-wired. */
    readonly fixed?: { readonly irq: number; readonly pin: { readonly slot: number; readonly pin: number } };
  };
  /** The letter of the link that a slot's pin (0 to 3) is wired to. */
  route(slot: number, pin: number): string;
}

export interface PcAcpi {
  readonly board: AcpiBoard;
  readonly gpe0: AcpiBoard['gpe0'];
  /** Where PCI memory may be, below 4 GiB. */
  readonly pciHoles: readonly { readonly first: number; readonly last: number }[];
  readonly apic: boolean;
  readonly hpet: boolean;
  /** Firmware is there to resume from S3. */
  readonly canSuspend: boolean;
}

export interface PcAcpiOptions {
  readonly board: AcpiBoard;
  readonly lowRamBytes: number;
  readonly apic: boolean;
  readonly hpet: boolean;
  readonly canSuspend: boolean;
  /** Beside those that every PC has. */
  readonly isaDevices: readonly IsaAcpiDevice[];
}

const APM_CONTROL = 0xb2;
const CMOS_CENTURY = 0x32;
const IO_APIC_AT = 0xfec0_0000;
const LEVEL_INTERRUPTS = [5, 9, 10, 11] as const;

export function pcAcpiTables(options: PcAcpiOptions): TableBlock {
  const { board, apic, hpet, canSuspend, isaDevices } = options;
  const pc: PcAcpi = { board, gpe0: board.gpe0, pciHoles: pciHoles(options), apic, hpet, canSuspend };
  const block = new TableBlockBuilder();
  const facsAt = block.addUnchecked(facs());
  const dsdtAt = block.add(table('DSDT', 1, namespace(pc, [...COMMON_DEVICES, ...isaDevices])));
  const { pmBase, sciIrq, acpiEnable, acpiDisable, gpe0, fadtRevision } = board;
  addFadt(
    block,
    {
      pmBase,
      sciIrq,
      acpiEnable,
      acpiDisable,
      gpe0,
      apic,
      revision: fadtRevision,
      smiCommandPort: APM_CONTROL,
      century: CMOS_CENTURY,
    },
    facsAt,
    dsdtAt,
  );
  if (apic) block.list(madt(LEVEL_INTERRUPTS));
  if (hpet) block.list(hpetTable(HPET_ID, HPET_AT));
  if (board.pciExpress !== undefined) block.list(mcfg(board.pciExpress.address, board.pciExpress.lastBus));
  block.list(waet());
  return block.finish();
}

/** From the end of RAM to the I/O APIC, less where configuration space is. */
function pciHoles({ board, lowRamBytes }: PcAcpiOptions): PcAcpi['pciHoles'] {
  const last = IO_APIC_AT - 1;
  if (board.pciExpress === undefined) return [{ first: lowRamBytes, last }];
  const { address, lastBus } = board.pciExpress;
  const end = address + (lastBus + 1) * 2 ** 20;
  return [
    { first: lowRamBytes, last: address - 1 },
    { first: end, last },
  ].filter((hole) => hole.first <= hole.last);
}
