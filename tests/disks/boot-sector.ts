/** A boot sector that works on its disk through the BIOS, and a machine that boots it. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What is missing for a guest of our own, if anything. */
export const missing = ['as', 'ld'].find((program) => spawnSync(program, ['--version']).status !== 0);

export const directory = mkdtempSync(join(tmpdir(), 'lockstep-disks-'));

/** Rounds of reading, adding up and writing. */
const ROUNDS = 48;
const SECTORS = 16;
export const SECTOR = 512;
export const DISK_BYTES = 4 * 2 ** 20;

/**
 * In each round it reads 16 sectors, adds their words to a sum, and writes the sum into the sector before the next
 * ones. It logs the sum to port E9h and ends with the status of the last call.
 */
const SOURCE = `
.code16
start:
  cli; xor %ax, %ax; mov %ax, %ds; mov %ax, %es; mov %ax, %ss; mov $0x7c00, %sp; sti; cld
  mov %dl, drive
  mov $${ROUNDS}, %bp
round:
  mov $0x42, %ah; mov $reading, %si; mov drive, %dl; int $0x13; jc failed
  mov $0x8000, %si; mov $${(SECTORS * SECTOR) / 2}, %cx; mov sum, %bx
add: lodsw; add %ax, %bx; loop add
  mov %bx, sum
  mov %bx, 0x8000
  mov $0x43, %ah; xor %al, %al; mov $writing, %si; mov drive, %dl; int $0x13; jc failed
  addw $${SECTORS + 1}, readAt; addw $${SECTORS + 1}, writeAt
  dec %bp; jnz round
  xor %ah, %ah
failed:
  mov %ah, status
  mov sum, %al; out %al, $0xe9; mov sum+1, %al; out %al, $0xe9
  mov status, %al; mov $0xf4, %dx; out %al, %dx
forever: hlt; jmp forever
drive: .byte 0
status: .byte 0
sum: .word 0
.balign 4
reading: .byte 16, 0; .word ${SECTORS}; .word 0x8000, 0
readAt: .word 2, 0, 0, 0
writing: .byte 16, 0; .word 1; .word 0x8000, 0
writeAt: .word 1, 0, 0, 0
.org 510
.word 0xaa55
`;

function assembleSector(): Uint8Array {
  const name = join(directory, 'boot');
  writeFileSync(`${name}.s`, SOURCE);
  for (const [program = '', ...args] of [
    ['as', '--32', `${name}.s`, '-o', `${name}.o`],
    ['ld', '-m', 'elf_i386', '-N', '-Ttext', '0x7c00', '-e', 'start', '--oformat', 'binary', `${name}.o`, '-o', name],
  ]) {
    const { status, stderr } = spawnSync(program, args, { encoding: 'utf8' });
    if (status !== 0) throw new Error(stderr);
  }
  return readFileSync(name);
}

/** A disk that boots, with a pattern behind its boot sector. */
export function bootDisk(): Uint8Array {
  const disk = new Uint8Array(DISK_BYTES);
  const words = new Uint32Array(disk.buffer);
  for (let i = 0; i < words.length; i++) words[i] = Math.imul(i, 0x9e3779b1);
  disk.set(assembleSector());
  return disk;
}

/** What the disk holds afterwards, and the sum. */
export function afterwards(disk: Uint8Array): { readonly disk: Uint8Array; readonly sum: number } {
  const after = disk.slice();
  const words = new Uint16Array(after.buffer);
  let sum = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const at = (2 + round * (SECTORS + 1)) * SECTOR;
    const read = after.slice(at, at + SECTOR);
    for (let i = 0; i < (SECTORS * SECTOR) / 2; i++) sum = (sum + (words[at / 2 + i] as number)) & 0xffff;
    after.set(read, at - SECTOR);
    words[(at - SECTOR) / 2] = sum;
  }
  return { disk: after, sum };
}
