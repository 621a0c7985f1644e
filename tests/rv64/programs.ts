/**
 * Programs for RV64I with what they compute. They begin at `origin`, with sp (x2) at the end of a mapped page, and end
 * with ecall; the result is in x10.
 */
import { assemble } from './assembler.ts';
import { type Image, PAGE_SIZE, write } from './engine.ts';

export interface Program {
  readonly name: string;
  readonly origin: bigint;
  readonly source: string;
  /** Pages mapped besides code and stack. */
  readonly data?: readonly bigint[];
  readonly x10: bigint;
}

const LOW = 0x1_0000n;
/** Above 4 GiB, and in the upper half of the address space: negative as signed. */
const HIGH = 0x12_3456_7000n;
const KERNEL = 0xffff_ffff_8000_0000n;
const STACK = 0x7f_ffff_f000n;
const mask = (v: bigint): bigint => BigInt.asUintN(64, v);

function fibonacci(n: number): bigint {
  let [a, b] = [0n, 1n];
  for (let i = 0; i < n; i++) [a, b] = [b, mask(a + b)];
  return a;
}
function xorshift(rounds: number): bigint {
  let v = 1n;
  for (let i = 0; i < rounds; i++) {
    v ^= mask(v << 13n);
    v ^= v >> 7n;
    v ^= mask(v << 17n);
  }
  return v;
}
function fnv(bytes: number): bigint {
  let h = 0xcbf2_9ce4_8422_2325n;
  for (let i = 0; i < bytes; i++) h = mask((h ^ BigInt(i & 0xff)) * 0x100_0000_01b3n);
  return h;
}

export const PROGRAMS: readonly Program[] = [
  {
    name: 'fibonacci numbers modulo 2^64',
    origin: LOW,
    source: `
      li x5, 200
      li x10, 0
      li x11, 1
    loop:
      add x12, x10, x11
      mv x10, x11
      mv x11, x12
      addi x5, x5, -1
      bne x5, x0, loop
      ecall`,
    x10: fibonacci(200),
  },
  {
    name: 'xorshift64 above 4 GiB',
    origin: HIGH,
    source: `
      li x5, 1000
      li x10, 1
    loop:
      slli x6, x10, 13
      xor x10, x10, x6
      srli x6, x10, 7
      xor x10, x10, x6
      slli x6, x10, 17
      xor x10, x10, x6
      addi x5, x5, -1
      bne x5, x0, loop
      ecall`,
    x10: xorshift(1000),
  },
  {
    name: 'fnv-1a with a multiplication by shifts and adds, in the upper half of the address space',
    origin: KERNEL,
    // prime = 2^40 + 2^8 + 0xb3
    source: `
      auipc x6, 0
      ld x10, 80(x6)
      li x5, 0
      li x7, 700
    loop:
      andi x8, x5, 255
      xor x10, x10, x8
      slli x11, x10, 40
      slli x12, x10, 8
      add x11, x11, x12
      li x9, 0xb3
    times:
      add x11, x11, x10
      addi x9, x9, -1
      bne x9, x0, times
      mv x10, x11
      addi x5, x5, 1
      blt x5, x7, loop
      ecall
      nop
      nop
      nop
      .dword 0xcbf29ce484222325`,
    x10: fnv(700),
  },
  {
    name: 'recursive calls with a stack above 4 GiB',
    origin: HIGH,
    source: `
      li x10, 15
      call fib
      ecall
    fib:
      slti x5, x10, 2
      bne x5, x0, done
      addi x2, x2, -24
      sd x1, 0(x2)
      sd x10, 8(x2)
      addi x10, x10, -1
      call fib
      sd x10, 16(x2)
      ld x10, 8(x2)
      addi x10, x10, -2
      call fib
      ld x5, 16(x2)
      add x10, x10, x5
      ld x1, 0(x2)
      addi x2, x2, 24
    done:
      ret`,
    x10: fibonacci(15),
  },
  {
    name: 'sums of a table above 4 GiB that crosses pages',
    origin: LOW,
    data: [0x5_0000_0000n, 0x5_0000_1000n, 0x5_0000_2000n],
    source: `
      li x5, 5
      slli x5, x5, 32
      addi x6, x5, 3
      li x7, 1000
      li x8, 0
    fill:
      sd x8, 0(x6)
      sw x8, 8(x5)
      addi x6, x6, 8
      addi x8, x8, -3
      addi x7, x7, -1
      bne x7, x0, fill
      li x10, 0
      addi x6, x5, 3
      li x7, 1000
      addi x6, x6, 16
      addi x7, x7, -2
    sum:
      ld x9, 0(x6)
      add x10, x10, x9
      lw x9, 0(x6)
      add x10, x10, x9
      lhu x9, 0(x6)
      add x10, x10, x9
      lb x9, 0(x6)
      add x10, x10, x9
      addi x6, x6, 8
      addi x7, x7, -1
      bne x7, x0, sum
      ecall`,
    x10: (() => {
      let total = 0n;
      for (let i = 2; i < 1000; i++) {
        const v = BigInt(-3 * i);
        total += v + BigInt.asIntN(32, v) + BigInt.asUintN(16, v) + BigInt.asIntN(8, v);
      }
      return mask(total);
    })(),
  },
  {
    name: 'words are sign-extended',
    origin: LOW,
    source: `
      lui x5, 0x80000
      addiw x6, x5, -1
      srliw x7, x5, 4
      sraiw x8, x5, 4
      subw x9, x0, x5
      slliw x11, x6, 1
      sllw x12, x6, x7
      addw x13, x5, x5
      srlw x14, x5, x0
      sraw x15, x5, x13
      lui x16, 0x7ffff
      sltu x17, x6, x5
      sltiu x18, x0, -1
      slt x19, x5, x0
      sra x20, x5, x18
      li x10, 0
      xor x10, x10, x5
      add x10, x10, x6
      xor x10, x10, x7
      add x10, x10, x8
      xor x10, x10, x9
      add x10, x10, x11
      xor x10, x10, x12
      add x10, x10, x13
      xor x10, x10, x14
      add x10, x10, x15
      xor x10, x10, x16
      add x10, x10, x17
      add x10, x10, x18
      add x10, x10, x19
      xor x10, x10, x20
      ecall`,
    x10: (() => {
      const low = mask(-0x8000_0000n);
      let v = low;
      v = mask(v + 0x7fff_ffffn);
      v ^= 0x0800_0000n;
      v = mask(v - 0x0800_0000n);
      v ^= low;
      v = mask(v - 2n);
      // x7 = 2^27: a count of 0 modulo 32.
      v ^= 0x7fff_ffffn;
      v ^= low;
      v = mask(v + low);
      v ^= 0x7fff_f000n;
      // x6 < x5 unsigned; 0 < 2^64 - 1; x5 < 0
      v = mask(v + 3n);
      return v ^ mask(-0x4000_0000n);
    })(),
  },
  {
    name: 'jumps through registers and across a page',
    origin: LOW + 0xff0n,
    source: `
      auipc x5, 0
      jalr x6, 20(x5)
      addi x10, x10, 1
      ecall
      ebreak
      li x10, 0x100
      sub x7, x6, x5
      add x10, x10, x7
      beq x7, x0, wrong
      bgeu x5, x6, wrong
      bge x7, x0, right
    wrong:
      li x10, 0
    right:
      fence 15, 15
      jalr x0, 0(x6)`,
    x10: 0x109n,
  },
];

/** A program, ready to start. */
export function imageOf(program: Program): Image {
  const image: Image = { pc: program.origin, x: Array.from({ length: 32 }, () => 0n), memory: new Map() };
  write(image, program.origin, assemble(program.source, program.origin));
  for (const page of [STACK, ...(program.data ?? [])]) image.memory.set(page, new Uint8Array(PAGE_SIZE));
  image.x[2] = STACK + BigInt(PAGE_SIZE);
  return image;
}
