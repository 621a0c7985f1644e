# Runs every instance with every one of its inputs at privilege level 3 and keeps what came of it. Addresses are those of
# layout.ts; descriptor tables, page tables, records and inputs are in the image.
        .code32
        .text
# Multiboot 1 header with addresses (flag 16): header, start and end of the image, end of bss, entry.
        .balign 4
header: .long 0x1BADB002, 0x10000, -(0x1BADB002 + 0x10000)
        .long header, IMAGE, IMAGE_END, 0, start

        .set KCODE, 0x08
        .set KDATA, 0x10
        .set TASK, 0x28

start:  cli
        movb $0xff, %al                 # no interrupt from the 8259As
        outb %al, $0x21
        outb %al, $0xa1
        lgdt gdtr
        lidt idtr
        ljmp $KCODE, $1f
1:      movl $KDATA, %eax
        movl %eax, %ds
        movl %eax, %es
        movl %eax, %ss
        movl $TASK, %eax
        ltr %ax
        movl $0x10, %eax                # CR4.PSE
        movl %eax, %cr4
        movl $PAGE_DIRECTORY, %eax
        movl %eax, %cr3
        movl $0x80010033, %eax          # PG, WP, NE, ET, MP, PE
        movl %eax, %cr0
        movl $RECORDS, record
        movl $INPUTS, input
        movl $RESULTS, result

next_instance:
        movl record, %esi
        cmpl $RECORDS_END, %esi
        jae finished
        lodsl
        movl %eax, PAGE_TABLE + CODE / 1024
        addl $0x1000, %eax
        movl %eax, PAGE_TABLE + CODE / 1024 + 4
        lodsl
        movl %eax, left
        lodsl
        movl %eax, flags
        movl %esi, record
        movl %cr3, %eax
        movl %eax, %cr3

next_input:
        cld
        movl input, %esi
        movl $WINDOW, %edi
        movl $WINDOW_BYTES / 4, %ecx
        rep movsl
        testl $1, flags
        jz 1f
        fninit
        frstor (%esi)
        addl $108, %esi
1:      movl $STACK0 - 4 * FRAME_WORDS, %edi
        movl %edi, %esp
        movl $FRAME_WORDS, %ecx
        rep movsl
        movl %esi, input
        xorl %eax, %eax
        movl %eax, %cr2
        movl %eax, %dr6
        popl %gs
        popl %fs
        popl %es
        popl %ds
        popal
        iret

        .macro VECTOR n
        .balign 16
        .if (\n == 8) || ((\n >= 10) && (\n <= 14)) || (\n == 17)
        .else
        pushl $0
        .endif
        pushl $\n
        jmp ended
        .endm
        .balign 16
vectors:
        .set vector, 0
        .rept 256
        VECTOR vector
        .set vector, vector + 1
        .endr

# Frame: eight registers, four selectors, vector, error code, EIP, CS, EFLAGS, ESP, SS, and ES, DS, FS, GS of virtual-8086 mode.
ended:  pushl %gs
        pushl %fs
        pushl %es
        pushl %ds
        pushal
        movl $KDATA, %eax
        movl %eax, %ds
        movl %eax, %es
        cld
        movl %esp, %esi
        movl result, %edi
        movl $23, %ecx
        rep movsl
        movl %cr2, %eax
        stosl
        movl %dr6, %eax
        stosl
        testl $1, flags
        jz 1f
        fnsave (%edi)
        addl $108, %edi
1:      movl $WINDOW, %esi
        movl $WINDOW_BYTES / 4, %ecx
        rep movsl
        movl %edi, result
        decl left
        jnz next_input
        jmp next_instance

finished:
        xorl %eax, %eax
        movw $EXIT_PORT, %dx
        outb %al, %dx
1:      hlt
        jmp 1b

        .balign 4
gdtr:   .word 0xff
        .long GDT
        .balign 4
        .word 0
idtr:   .word 0x7ff
        .long IDT
record: .long 0
input:  .long 0
result: .long 0
flags:  .long 0
left:   .long 0
