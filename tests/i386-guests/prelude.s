# Start of the guests of these tests: multiboot header, GDT, an IDT whose handlers write what happened to port E9H, and
# the ways to write there. Then `test` runs, and the machine ends by isa-debug-exit with status 1.
.code32
.text
.long 0x1BADB002, 0, -0x1BADB002

.globl _start
_start:
  cli
  mov $stack_top, %esp
  lgdt gdt_pointer
  ljmp $8, $1f
1: mov $16, %eax
  mov %eax, %ds; mov %eax, %es; mov %eax, %ss; mov %eax, %fs; mov %eax, %gs
  mov $idt, %edi; mov $stub0, %eax; mov $48, %ecx
2: mov %ax, (%edi); movw $8, 2(%edi); movw $0x8e00, 4(%edi)
  mov %eax, %edx; shr $16, %edx; mov %dx, 6(%edi)
  add $8, %edi; add $16, %eax; loop 2b
  lidt idt_pointer
  call test
finish:
  mov $0, %al
  out %al, $0xf4
9: cli; hlt; jmp 9b

# Writes EAX as eight digits and a space. Preserves all registers and flags.
hex:
  pushf; pusha
  mov %eax, %ebx; mov $8, %ecx
1: rol $4, %ebx; mov %bl, %al; and $15, %al; add $'0', %al; cmp $'9', %al; jbe 2f; add $39, %al
2: outb %al, $0xe9; loop 1b
  mov $' ', %al; outb %al, $0xe9
  popa; popf; ret
newline:
  push %eax; mov $10, %al; outb %al, $0xe9; pop %eax; ret

# Vector, error code, EIP in relation to `test`, flags, DR6. Goes on at `resume` if that is set, once; and
# acknowledges interrupts at the 8259As, which a guest may have put at 32 to 47.
common:
  pusha
  cld
  mov 32(%esp), %eax; call hex
  mov 36(%esp), %eax; call hex
  mov 40(%esp), %eax; sub $test, %eax; call hex
  mov 48(%esp), %eax; and $~0x10000, %eax; call hex # QEMU leaves RF clear where faults set it (SDM vol. 3, 6.8.3)
  mov %dr6, %eax; call hex
  xor %eax, %eax; mov %eax, %dr6
  call newline
  cmpl $32, 32(%esp); jb 1f
  mov $0x20, %al; outb %al, $0xa0; outb %al, $0x20
1: mov resume, %eax
  test %eax, %eax; jz 2f
  mov %eax, 40(%esp); movl $0, resume
2: incl events
  popa
  add $8, %esp
  iret

.macro stub number
.balign 16
stub\number:
  .if (\number != 8) && ((\number < 10) || (\number > 14)) && (\number != 17)
  push $0
  .endif
  push $\number
  jmp common
.endm
.balign 16
.irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23
  stub \n
.endr
.irp n, 24,25,26,27,28,29,30,31,32,33,34,35,36,37,38,39,40,41,42,43,44,45,46,47
  stub \n
.endr

.data
.balign 8
gdt: .quad 0, 0x00cf9b000000ffff, 0x00cf93000000ffff
gdt_pointer: .word 23; .long gdt
idt_pointer: .word 48 * 8 - 1; .long idt
resume: .long 0
events: .long 0
.bss
.balign 4096
idt: .skip 4096
stack: .skip 8192
stack_top:
