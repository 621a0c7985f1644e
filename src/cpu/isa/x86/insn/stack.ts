/** PUSH, POP and their relatives, ENTER, LEAVE. */
import { Op } from '../../../ir/ops.ts';
import { LOAD_SHADOW } from '../helpers.ts';
import { type Forms, type Instruction, x86 } from '../instruction.ts';
import { CS, DS, ES, FS, GS, S_EAX, S_EBP, S_ESP, SS } from '../layout.ts';
import { M_SS32 } from '../mode.ts';
import { CONSTANT } from '../place.ts';
import { selector } from './move.ts';

const push = x86({
  name: 'push',
  forms: { '50+r': 'Zv', '68': 'Iz', '6A': 'Ibs', 'FF /6': 'Ev' },
  att: 'sized',
  execute(t, src) {
    if (src.kind === CONSTANT) t.pushConstant(src.value);
    else t.push(src.isMemory ? src.read() : src.readLoose());
  },
});

const pop = x86({
  name: 'pop',
  forms: { '58+r': 'Zv', '8F /0': 'Ev' },
  att: 'sized',
  execute(t, dst) {
    const { size } = dst;
    const value = t.stackLoad(0, size);
    if (dst.isMemory) {
      // An address based on ESP takes its value after the pop.
      t.forgetAddress();
      if (t.d.base === S_ESP) t.espForAddress = t.movedStack(size);
      dst.write(value);
      t.moveStack(size);
    } else {
      t.moveStack(size);
      dst.write(value);
    }
  },
});

const segments = (
  [
    ['es', '06', '07', ES],
    ['cs', '0E', '', CS],
    ['ss', '16', '17', SS],
    ['ds', '1E', '1F', DS],
    ['fs', '0F A0', '0F A1', FS],
    ['gs', '0F A8', '0F A9', GS],
  ] as const
).flatMap(([name, pushed, popped, segment]) => {
  const operand = name.toUpperCase();
  const list = [
    x86({ name: 'push', forms: { [pushed]: operand }, att: 'sized', execute: (t) => t.push(selector(t, segment)) }),
  ];
  if (popped !== '') {
    list.push(
      x86({
        name: 'pop',
        forms: { [popped]: operand } as Forms,
        att: 'sized',
        execute(t) {
          t.call('load_seg', t.movi(segment === SS ? SS | LOAD_SHADOW : segment), t.stackLoad(0, t.d.operandSize));
          t.moveStack(t.d.operandSize);
          t.gotoNextMode();
        },
      }),
    );
  }
  return list;
});

const pusha = x86({
  name: 'pusha',
  forms: { '60': '' },
  att: 'sized',
  execute(t) {
    const size = t.d.operandSize;
    for (let r = 0; r < 8; r++) t.stackStore(-size * (r + 1), size, S_EAX + r);
    t.moveStack(-size * 8);
  },
});

const popa = x86({
  name: 'popa',
  forms: { '61': '' },
  att: 'sized',
  execute(t) {
    const size = t.d.operandSize;
    const values: number[] = [];
    for (let r = 0; r < 8; r++) values.push(r === S_ESP ? -1 : t.stackLoad(size * (7 - r), size));
    for (let r = 0; r < 8; r++) {
      if (r === S_ESP) continue;
      if (size === 4) t.mov(values[r] as number, r);
      else t.dep(r, 0, 16, values[r] as number, r);
    }
    t.moveStack(size * 8);
  },
});

const pushf = x86({
  name: 'pushf',
  forms: { '9C': '' },
  att: 'sized',
  execute: (t) => t.push(t.call('pushf_image')),
});

const popf = x86({
  name: 'popf',
  forms: { '9D': '' },
  att: 'sized',
  execute(t) {
    const size = t.d.operandSize;
    t.call('popf', t.stackLoad(0, size), t.movi(size));
    t.moveStack(size);
    t.gotoNextMode();
  },
});

const enter = x86({
  name: 'enter',
  forms: { C8: 'Iw,Ib' },
  att: 'sized',
  execute(t, allocation, level) {
    const size = t.d.operandSize;
    if ((level.value & 31) === 0 && size === 4 && t.mode & M_SS32) {
      t.stackStore(-4, 4, S_EBP);
      t.bini(Op.add, S_ESP, -4, S_EBP);
      t.bini(Op.add, S_EBP, -allocation.value, S_ESP);
    } else t.call('enter', t.movi(allocation.value), t.movi(level.value & 31), t.movi(size));
  },
});

const leave = x86({
  name: 'leave',
  forms: { C9: '' },
  att: 'sized',
  execute(t) {
    const size = t.d.operandSize;
    const frame = t.stackLoad(0, size, S_EBP);
    const above = t.bini(Op.add, S_EBP, size);
    if (t.mode & M_SS32) t.mov(above, S_ESP);
    else t.dep(S_ESP, 0, 16, above, S_ESP);
    if (size === 4) t.mov(frame, S_EBP);
    else t.dep(S_EBP, 0, 16, frame, S_EBP);
  },
});

export const stack: readonly Instruction[] = [push, pop, ...segments, pusha, popa, pushf, popf, enter, leave];
