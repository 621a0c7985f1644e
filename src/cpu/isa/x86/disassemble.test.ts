/** The disassembler says what objdump says, of assembled instructions and of random bytes. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { createX86FrontEnd } from './front-end.ts';
import { M_CS32 } from './mode.ts';

const folder = mkdtempSync(join(tmpdir(), 'disassemble-'));
afterAll(() => rmSync(folder, { recursive: true }));
const frontEnd = createX86FrontEnd();

interface Line {
  readonly pc: number;
  readonly bytes: string;
  readonly text: string;
}

/** objdump's lines for raw code. */
function objdump(code: Uint8Array, machine: 'i386' | 'i8086'): Line[] {
  const file = join(folder, 'code.bin');
  writeFileSync(file, code);
  const listing = execFileSync('objdump', ['-D', '-w', '-b', 'binary', '-m', machine, file], {
    encoding: 'latin1',
    maxBuffer: 1 << 28,
  });
  return [...listing.matchAll(/^\s*([0-9a-f]+):\t([0-9a-f ]+)\t(.*)$/gm)].map(([, pc = '', bytes = '', text = '']) => ({
    pc: Number.parseInt(pc, 16),
    bytes: bytes.trim(),
    text: text.replace(/\s+/g, ' ').trim(),
  }));
}
function ours(code: Uint8Array, line: Line, mode: number): Line {
  const { text, length } = frontEnd.disassemble(line.pc, 0, mode, (at) => code[at] ?? -1);
  const bytes = [...code.subarray(line.pc, line.pc + length)].map((b) => b.toString(16).padStart(2, '0')).join(' ');
  return { pc: line.pc, bytes, text };
}
function assemble(source: string): Uint8Array {
  const [asm, object, binary] = ['code.s', 'code.o', 'code.out'].map((n) => join(folder, n)) as [
    string,
    string,
    string,
  ];
  writeFileSync(asm, `${source}\n`);
  execFileSync('as', ['--32', asm, '-o', object]);
  execFileSync('objcopy', ['-O', 'binary', '-j', '.text', object, binary]);
  return readFileSync(binary);
}

const MMX = (
  'paddb paddw paddd paddsb paddsw paddusb paddusw psubb psubw psubd psubsb psubsw psubusb psubusw pmulhw pmullw pmaddwd ' +
  'pcmpeqb pcmpeqw pcmpeqd pcmpgtb pcmpgtw pcmpgtd packsswb packssdw packuswb punpckhbw punpckhwd punpckhdq punpcklbw ' +
  'punpcklwd punpckldq pand pandn por pxor'
).split(' ');
const SHIFTS = 'psllw pslld psllq psrlw psrld psrlq psraw psrad'.split(' ');

/** One of each kind of operand and of each way a name comes about. */
const SOURCE = `
push (%eax); pushw (%eax); pop (%eax); push $5; pushw $5; push %ds; pushw %ds; pusha; pushaw; pushfw; popf; leave; leavew
ret; retw; ret $4; lret; lretw $4; iret; iretw; enter $8,$1; int $0x80; int3; into; .byte 0xf1; hlt; cli; sti; cld; std
call *(%eax); callw *(%eax); call *%eax; jmp *0x0(,%eax,4); ljmp *(%eax); ljmpw *(%eax); lcall $8,$0x1234; jmp .; call .
jne .; loop .; loopne .; jecxz .; jcxz .; jno .+0x1000; .byte 0x66,0xe8,1,0
in $5,%al; in (%dx),%eax; in (%dx),%ax; out %al,(%dx); out %eax,$7; outsl; outsw; insb; xlat; xlat %fs:(%ebx)
mov %cr0,%eax; mov %eax,%db7; mov %ds,(%eax); mov %ds,%eax; mov %ds,%ax; mov (%eax),%ds; mov %eax,%ds
sldt %eax; sldt %ax; sldt (%eax); str %ax; smsw %ax; smsw %eax; lmsw %ax; verr %ax; verw (%eax); arpl %ax,(%eax)
lar (%eax),%ax; lsl (%eax),%ecx; lgdtl (%eax); lgdtw (%eax); sidtl (%eax); invlpg (%eax); clts; invd; wbinvd; cpuid; rdtsc
rdmsr; wrmsr; rdpmc; sysenter; sysexit; ud2; nopl (%eax); nopw (%eax,%eax,1); nop; xchg %ax,%ax; pause; prefetchnta (%eax)
bound %eax,(%ecx); les (%eax),%ecx; lss (%eax),%esp; lea -4(,%edx,4),%eax; lea 0x1234(%ebp,%esi,8),%ax
.byte 0x8d,0xb4,0x26,0,0,0,0; .byte 0x8d,4,0x25,1,0,0,0
shll (%eax); shl %eax; shl $4,%eax; shlb %cl,(%eax); sarw $3,(%eax); rcl %cl,%dx; shld $3,%eax,(%ecx); shrd %cl,%eax,%ecx
imul $3,%eax,%ecx; imul $-3,%eax; imul (%eax),%ecx; imull (%eax); mulb (%eax); div %cx; neg %ah; notl (%eax); incl (%eax)
dec %di; decw (%eax); cmpxchg %ecx,(%edx); lock cmpxchg8b (%eax); xadd %al,%bh; bswap %edi; lock incl (%eax)
movzbl %al,%ecx; movzbw %al,%cx; movzwl (%eax),%ecx; movsbl (%eax),%ecx; movswl %ax,%ecx; cbtw; cwtl; cwtd; cltd
mov %fs:0,%eax; mov 0x1234,%al; movb $5,(%eax); movl $-5,%gs:8(%ebx); mov $0x12,%bh; mov %cs:(%bx,%si),%eax; mov -2(%bp),%cl
rep movsl; rep movsb; repz cmpsw; repnz scasb; rep stosl; rep lodsb; movsl %gs:(%esi),%es:(%edi); stosw; lodsl
addr16 stosl; bt $3,%eax; btsl $3,(%eax); btc %eax,(%ecx); bsf %ax,%cx; bsr (%eax),%ecx; sete (%eax); setg %cl; cmovbe (%eax),%esi
aam; aam $5; aad $7; daa; das; aaa; aas; sahf; lahf; cmc; clc; stc; testb $1,(%eax); test %eax,%eax; test $5,%ax
add $-1,%eax; add $-1,%ax; addl $-1,(%eax); adc $0x12345678,%eax; sbb %al,(%ecx); or (%eax),%cx; and $5,%al; cmpb $-1,(%eax)
fsub %st,%st(1); fsubr %st,%st(2); fsubp %st,%st(3); fdivrp %st,%st(1); fadd %st(2),%st; fcom %st(1); fcomp %st(1); fcompp
fadds (%eax); fmull (%eax); fiaddl (%eax); fisubs (%eax); ficompl (%eax); fxch %st(3); fucomi %st(2),%st; fcomip %st(1),%st
fcmovbe %st(2),%st; fcmovnu %st(1),%st; flds (%eax); fldl (%eax); fldt (%eax); filds (%eax); fildl (%eax); fildll (%eax)
fsts (%eax); fstpl (%eax); fstpt (%eax); fists (%eax); fistpl (%eax); fistpll (%eax); fbld (%eax); fbstp (%eax)
fld %st(1); fst %st(1); fstp %st(1); ffree %st(1); ffreep %st(1); fldz; fldpi; fnop; fchs; fabs; ftst; fxam; fsqrt; fsincos
fprem1; fscale; f2xm1; fninit; fnclex; fnstsw %ax; fnstsw (%eax); fnstcw (%eax); fldcw (%eax); fnstenv (%eax); fldenv (%eax)
fnsave (%eax); frstor (%eax); fxsave (%eax); fxrstor (%eax); fucompp; fucom %st(4); fwait
${MMX.map((name) => `${name} %mm1,%mm2; ${name} 8(%ebx,%esi,2),%mm7`).join('; ')}
${SHIFTS.map((name) => `${name} $3,%mm5; ${name} $0xff,%mm0; ${name} %mm6,%mm4; ${name} %fs:(%eax),%mm3`).join('; ')}
movd %eax,%mm1; movd (%eax),%mm1; movd %mm7,%edi; movd %mm7,(%edi); movq %mm0,%mm1; movq (%eax),%mm2; movq %mm3,4(%esp)
.byte 0x0f,0x7f,0xca; emms
`;

describe('the disassembler', () => {
  it('writes assembled instructions as objdump does', () => {
    const code = assemble(SOURCE);
    const lines = objdump(code, 'i386');
    // objdump left nothing out.
    expect(lines.reduce((n, l) => n + l.bytes.split(' ').length, 0)).toBe(code.length);
    expect(lines.map((l) => ours(code, l, M_CS32))).toEqual(lines);
  });

  it('writes 16-bit code as objdump does', () => {
    const code = assemble(`.code16
mov 2(%bx,%si),%ax; mov %eax,-4(%bp); mov (%di),%cl; mov %ax,0x1234; pushl $5; pushal; retl; push %ax; push %eax; pushfl
addl $0x12345678,(%bx); lgdtl (%bx); movzbl %al,%eax; cwtl; cbtw; call *(%bx); ljmp $0x10,$5; ljmpl $0x10,$5; rep movsw
les (%bx),%si; enter $4,$0; xchg %ax,%cx; fldt (%bp); int $0x13; mov %cr0,%eax; iretl; jcxz .; out %ax,(%dx); lea 4(%eax),%cx
movd %eax,%mm1; movd %mm2,(%bx,%si); paddw 2(%bp),%mm3; psrad $4,%mm6`);
    const lines = objdump(code, 'i8086');
    expect(lines.map((l) => ours(code, l, 0))).toEqual(lines);
  });

  it('agrees with objdump on the length of random instructions without superfluous prefixes', () => {
    const code = new Uint8Array(20_000);
    let seed = 12345;
    for (let i = 0; i < code.length; i++) {
      seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
      code[i] = seed >>> 16;
    }
    // Not of the Pentium II, or written by objdump with names for prefixes that do nothing.
    const other =
      /[xyz]mm\d|%k\d|%bnd|^v|^(xacquire|xrelease|repn?z|data16|addr16|lock|[cdefgs]s|bnd|\.byte)\b|\(bad\)|,p[nt]\b/;
    const differing = objdump(code, 'i386')
      .filter((l) => !other.test(l.text))
      .map((l) => ({ theirs: l, ours: ours(code, l, M_CS32) }))
      .filter((p) => p.ours.bytes !== p.theirs.bytes && p.ours.text !== '(bad)');
    // WAIT is an instruction of its own; objdump joins it with the next.
    expect(differing.filter((p) => p.ours.text !== 'fwait')).toEqual([]);
  });
});
