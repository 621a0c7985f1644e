/** Instructions on single flags, and on flags as a byte. */
import { Op } from '../../../ir/ops.ts';
import { carry } from '../conditions.ts';
import { type Instruction, x86 } from '../instruction.ts';
import { AF, CF, OF, PF, S_DF, S_EAX, SF, ZF } from '../layout.ts';

/** The flags that SAHF and LAHF move. */
const IN_AH = SF | ZF | AF | PF | CF;

const cmc = x86({ name: 'cmc', forms: { F5: '' }, execute: (t) => t.setEflags(t.bini(Op.xor, t.eflags(), CF)) });
const clc = x86({ name: 'clc', forms: { F8: '' }, execute: (t) => t.setEflags(t.bini(Op.and, t.eflags(), ~CF)) });
const stc = x86({ name: 'stc', forms: { F9: '' }, execute: (t) => t.setEflags(t.bini(Op.or, t.eflags(), CF)) });
const cld = x86({ name: 'cld', forms: { FC: '' }, execute: (t) => void t.movi(1, S_DF) });
const std = x86({ name: 'std', forms: { FD: '' }, execute: (t) => void t.movi(-1, S_DF) });

const sahf = x86({
  name: 'sahf',
  forms: { '9E': '' },
  execute(t) {
    const kept = t.bini(Op.and, t.eflags(), OF);
    const ah = t.bini(Op.and, t.bits(S_EAX, 8, 8, false), IN_AH);
    t.setEflags(t.bin(Op.or, kept, ah));
  },
});

const lahf = x86({
  name: 'lahf',
  forms: { '9F': '' },
  execute(t) {
    // Bit 1 reads as one.
    const image = t.bini(Op.or, t.bini(Op.and, t.eflags(), IN_AH), 2);
    t.dep(S_EAX, 8, 8, image, S_EAX);
  },
});

/** SALC: AL is all carry. Not in the manual of its time, but in every processor. */
const salc = x86({
  name: 'salc',
  forms: { D6: '' },
  execute: (t) => void t.dep(S_EAX, 0, 8, t.bini(Op.mul, carry(t), -1), S_EAX),
});

const cli = x86({ name: 'cli', forms: { FA: '' }, execute: (t) => void t.call('cli') });
const sti = x86({
  name: 'sti',
  forms: { FB: '' },
  execute(t) {
    t.call('sti');
    t.gotoNextMode();
  },
});

export const flagInstructions: readonly Instruction[] = [cmc, clc, stc, cld, std, sahf, lahf, salc, cli, sti];
