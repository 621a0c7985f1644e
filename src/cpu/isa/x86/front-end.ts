/** The i386 target as the engine sees it. */
import type { FrontEnd, SlotInfo } from '../front-end.ts';
import { HELPERS } from './all-helpers.ts';
import { Decoder } from './decoder.ts';
import { disassemble } from './disassemble.ts';
import { INSTRUCTIONS } from './insn/index.ts';
import { opcodeTable } from './instruction.ts';
import { S_CC_OP, S_EBP, S_ESP } from './layout.ts';
import { Translator } from './translator.ts';

/** Names of the state slots, in the order of layout.ts. */
const SLOT_NAMES =
  'eax ecx edx ebx esp ebp esi edi cc_op cc_dst cc_src df es_base cs_base ss_base ds_base fs_base gs_base';
const SLOTS: readonly SlotInfo[] = SLOT_NAMES.split(' ').map((name) => ({ name, ty: 'i32' }));

/**
 * A front end of its own for each user: it holds the state of the translation under way. `features`: CPUID leaf 1, EDX;
 * instructions that this processor lacks are #UD.
 */
export function createX86FrontEnd(features = -1): FrontEnd {
  const table = opcodeTable(INSTRUCTIONS.filter((i) => ((i.requires ?? 0) & ~features) === 0));
  const translator = new Translator(table);
  const reader = new Decoder(table);
  return {
    name: 'i386',
    va: 'i32',
    slots: SLOTS,
    helpers: HELPERS,
    stackSlots: [S_ESP, S_EBP],
    ccSlot: S_CC_OP,
    translate: (block, fetch, maxInsns) => translator.translate(block, fetch, maxInsns),
    disassemble: (pcLo, _pcHi, mode, fetch) => disassemble(reader, pcLo, mode, fetch),
  };
}
