/** MMX's functions that translated code calls (native/mmx.ts): one row each, for the helper table. */
import type { HelperInfo } from '../front-end.ts';

type Row = Omit<HelperInfo, 'name'>;
const NO_SLOTS = { faults: false, reads: [], writes: [] } as const;
/** (destination, source or count): the new value of the destination. */
const VALUE: Row = { params: ['i64', 'i64'], result: 'i64', pure: true, ...NO_SLOTS };
/** Works on the x87's fields. */
const STATE: Row = { params: [], result: null, pure: false, ...NO_SLOTS };

const table = {
  paddb: VALUE,
  paddw: VALUE,
  paddd: VALUE,
  paddsb: VALUE,
  paddsw: VALUE,
  paddusb: VALUE,
  paddusw: VALUE,
  psubb: VALUE,
  psubw: VALUE,
  psubd: VALUE,
  psubsb: VALUE,
  psubsw: VALUE,
  psubusb: VALUE,
  psubusw: VALUE,
  pmulhw: VALUE,
  pmullw: VALUE,
  pmaddwd: VALUE,
  pcmpeqb: VALUE,
  pcmpeqw: VALUE,
  pcmpeqd: VALUE,
  pcmpgtb: VALUE,
  pcmpgtw: VALUE,
  pcmpgtd: VALUE,
  packsswb: VALUE,
  packssdw: VALUE,
  packuswb: VALUE,
  punpcklbw: VALUE,
  punpcklwd: VALUE,
  punpckhbw: VALUE,
  punpckhwd: VALUE,
  psllw: VALUE,
  pslld: VALUE,
  psllq: VALUE,
  psrlw: VALUE,
  psrld: VALUE,
  psrlq: VALUE,
  psraw: VALUE,
  psrad: VALUE,
  mmx_begin: STATE,
  emms: STATE,
} as const satisfies Readonly<Record<string, Row>>;

export type MmxHelper = keyof typeof table;
export const MMX_HELPERS: readonly HelperInfo[] = Object.entries(table).map(([name, info]) => ({ name, ...info }));
