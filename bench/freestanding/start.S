/*
 * Entry by a multiboot 1 loader. Goes on with paging, as an operating system does: the first 64 MiB of memory are mapped
 * where they are and again from 0xC0000000, in pages of 4 KiB, and the program runs at its upper addresses.
 */
.set PAGE_DIRECTORY, 0x3F00000
.set PAGE_TABLES, 0x3F01000
.set PRESENT_WRITABLE, 3
.set TABLES, 16
.set CR0_PG_WP, 0x80010000

.section .boot, "ax"
.align 4
  .long 0x1BADB002, 0, -0x1BADB002

.globl _start
_start:
  cli
  cld
  lgdt gdt_pointer
  ljmp $0x08, $1f
1:
  movw $0x10, %ax
  movw %ax, %ds
  movw %ax, %es
  movw %ax, %ss
  movw %ax, %fs
  movw %ax, %gs

  /* The page tables, one after the other. */
  movl $PAGE_TABLES, %edi
  movl $PRESENT_WRITABLE, %eax
  movl $(TABLES * 1024), %ecx
2:
  stosl
  addl $0x1000, %eax
  loop 2b

  /* The directory: empty but for the tables at both places. */
  movl $PAGE_DIRECTORY, %edi
  xorl %eax, %eax
  movl $1024, %ecx
  rep stosl
  movl $PAGE_DIRECTORY, %edi
  movl $(PAGE_TABLES + PRESENT_WRITABLE), %eax
  movl $TABLES, %ecx
3:
  movl %eax, 0xC00(%edi)
  stosl
  addl $0x1000, %eax
  loop 3b

  movl $PAGE_DIRECTORY, %eax
  movl %eax, %cr3
  movl %cr0, %eax
  orl $CR0_PG_WP, %eax
  movl %eax, %cr0
  movl $high, %eax
  jmp *%eax

.align 8
gdt:
  .quad 0, 0x00CF9A000000FFFF, 0x00CF92000000FFFF
gdt_pointer:
  .word gdt_pointer - gdt - 1
  .long gdt

.text
high:
  movl $stack_top, %esp
  xorl %ebp, %ebp
  call bench_main
4:
  hlt
  jmp 4b

.bss
.align 16
  .skip 65536
stack_top:

.section .note.GNU-stack, "", @progbits
