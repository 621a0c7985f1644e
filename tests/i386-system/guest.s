# A multiboot kernel that provokes exceptions and control transfers one after the other and logs each to port E9H: the
# log of native QEMU and ours must be the same. Left out is what QEMU's TCG does not do: segment
# limits, the checks of CR0's PG and NW, RF in the image of a fault.
        .code32
        .text
        .long 0x1BADB002, 0, -0x1BADB002

        .set STACK0, 0x180000           # ring 0, and TSS.ESP0
        .set STACK3, 0x190000
        .set PAGES, 0x1a0000            # page tables, 16 pages
        .set KCODE, 0x08
        .set KDATA, 0x10
        .set UCODE, 0x1b
        .set UDATA, 0x23
        .set TSS, 0x28
        .set FIRST, 0x30

# One test in ring 0: the instructions given, then a marker. An exception ends it too.
        .macro R0 body
        movl $9f, resume
        movl $STACK0, %esp
        \body
        int $0x40
9:
        .endm
# One test in ring 3.
        .macro R3 body
        movl $9f, resume
        movl $STACK0, %esp
        pushl $UDATA
        pushl $STACK3
        pushl flags3
        pushl $UCODE
        pushl $8f
        movl $UDATA, %eax
        movl %eax, %ds
        movl %eax, %es
        iret
8:      \body
        int $0x80
9:
        .endm

        .globl _start
_start: cli
        movb $0xff, %al                 # no interrupt from the 8259As
        outb %al, $0x21
        outb %al, $0xa1
        cld
        movl $STACK0, %esp
        call build
        lgdt gdtr
        lidt idtr
        ljmp $KCODE, $1f
1:      movl $KDATA, %eax
        movl %eax, %ds
        movl %eax, %es
        movl %eax, %ss
        xorl %eax, %eax
        movl %eax, %fs
        movl %eax, %gs
        pushl $2
        popfl

# Selectors: every one of the GDT and LDT at every RPL, by every means.
        movl $0x78, %eax
        lldt %ax
        xorl %ecx, %ecx
2:      movl %ecx, sel
        R0 "movl sel, %eax; movl %eax, %ds"
        R0 "movl sel, %eax; movl %eax, %ss"
        R0 "movl sel, %eax; lar %eax, %ebx"
        R0 "movl sel, %eax; lsl %eax, %ebx"
        R0 "movl sel, %eax; verr %ax"
        R0 "movl sel, %eax; verw %ax"
        R0 "movl sel, %eax; pushl %eax; popl %fs"
        R3 "movl sel, %eax; movl %eax, %ds"
        R3 "movl sel, %eax; movl %eax, %ss"
        R3 "movl sel, %eax; lar %eax, %ebx"
        R3 "movl sel, %eax; lsl %eax, %ebx"
        R3 "movl sel, %eax; verr %ax"
        R3 "movl sel, %eax; verw %ax"
        R3 "movl sel, %eax; movl %eax, %gs"
        movl sel, %ecx
        incl %ecx
        cmpl $0xb8, %ecx
        jb 2b

# Far jumps, calls and returns to the same selectors (the TSSs apart).
        xorl %ecx, %ecx
3:      movl %ecx, sel
        movl %ecx, %eax
        andl $~3, %eax
        cmpl $TSS, %eax
        je 4f
        cmpl $0x70, %eax
        je 4f
        movl $landing, where
        R0 "ljmp *where"
        R0 "lcall *where"
        R0 "pushl sel; pushl $landing; lret"
        R0 "pushl $UDATA; pushl $STACK3; pushl sel; pushl $landing; lret"
        R0 "pushl $UDATA; pushl $STACK3; pushl $2; pushl sel; pushl $landing; iret"
        R3 "ljmp *where"
        R3 "pushl $0x1111; pushl $0x2222; lcall *where"
        R3 "pushl sel; pushl $landing; lret"
        R3 "pushl $2; pushl sel; pushl $landing; iret"
        # a stack selector in a return to ring 3
        R0 "pushl sel; pushl $STACK3; pushl $2; pushl $UCODE; pushl $landing; iret"
        # the stack selector of the TSS for ring 1, whose code then fails at its first privileged load
        movl sel, %eax
        movl %eax, tss + 16
        R3 "int $0x41"
4:      movl sel, %ecx
        incl %ecx
        cmpl $0xb8, %ecx
        jb 3b

# A return from ring 0 through a call gate with parameters.
        R3 "pushl $0x1111; pushl $0x2222; lcall $0x9b, $0"

# Interrupt gates of all kinds, from both rings.
        .irp v, 0x42, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x49, 0x4a
        R0 "int $\v"
        R3 "int $\v"
        .endr
        R0 "int3"
        R3 "int3"
        R0 "ud2"
        R3 "ud2"
        R0 "movb $0x7f, %al; addb $1, %al; into"
        R3 "movb $0x7f, %al; addb $1, %al; into"
        R0 "xorl %eax, %eax; into"

# Privileged instructions and flags.
        .irp f, 0x2, 0x3002, 0x202, 0x3202, 0x4002
        movl $\f, flags3
        R3 "cli"
        R3 "sti"
        R3 "hlt"
        R3 "inb $0x80, %al"
        R3 "outb %al, $0x99"
        R3 "pushfl; popl %ebx"
        R3 "pushl $0x247fd7; popfl; pushfl; popl %ebx"
        R3 "pushl $0; popfl; pushfl; popl %ebx"
        R3 "movl %cr0, %eax"
        R3 "movl %eax, %cr3"
        R3 "movl %eax, %dr0"
        R3 "lgdt gdtr"
        R3 "lidt idtr"
        R3 "lldt sel"
        R3 "ltr sel"
        R3 "clts"
        R3 "smsw %ax"
        R3 "lmsw %ax"
        R3 "invlpg 0"
        R3 "wbinvd"
        R3 "rdmsr"
        R3 "wrmsr"
        R3 "sysenter"
        R3 "sysexit"
        R3 "str %ax"
        R3 "sldt %ax"
        .endr
        movl $2, flags3
        R0 "pushl $0x247fd7 - 0x100; popfl; pushfl; popl %ebx; pushl $2; popfl"
        R0 ".byte 0x0f, 0x20, 0xc8"       # movl %cr1, %eax
        R0 "movl $0xffff0ff0, %eax; movl %eax, %dr7; movl %dr7, %ebx; xorl %eax, %eax; movl %eax, %dr7"
        R0 "movl $0xffffefff, %eax; movl %eax, %dr6; movl %dr6, %ebx"
        R0 "movl %dr4, %eax"
        R0 "movl $8, %eax; movl %eax, %cr4; movl %dr4, %eax"
        R0 "xorl %eax, %eax; movl %eax, %cr4"
        R0 "movl %cr0, %eax; orl $8, %eax; movl %eax, %cr0; fnop"
        R0 "movl %cr0, %eax; orl $10, %eax; movl %eax, %cr0; fwait"
        R0 "clts; fnop"
        R0 "xorl %ecx, %ecx; divl %ecx"
        R0 "movw $0x7fff, %ax; boundw %ax, limits"
        R0 "movl $5, %eax; boundl %eax, limits+4"

# SYSENTER and SYSEXIT.
        R0 "sysenter"
        movl $0x174, %ecx
        xorl %edx, %edx
        movl $KCODE, %eax
        wrmsr
        incl %ecx
        movl $STACK0, %eax
        wrmsr
        incl %ecx
        movl $landing, %eax
        wrmsr
        R3 "sysenter"
        R0 "sysenter"
        R0 "movl $STACK3, %ecx; movl $landing, %edx; sysexit"

# Single step and breakpoints.
        R0 "pushl $0x102; popfl; nop; nop"
        R0 "pushl $0x102; popfl; movl $KDATA, %eax; movl %eax, %ss; nop; nop"
        R0 "pushl $0x102; popfl; int $0x42"
        R0 "pushl $0x102; pushl $KCODE; pushl $5f; iret; 5: nop; nop"
        R0 "movl %dr6, %ebx"
        R0 "xorl %eax, %eax; movl %eax, %dr6; movl $6f, %eax; movl %eax, %dr1; movl $0x404, %eax; movl %eax, %dr7; nop; 6: nop; nop"
        R0 "movl %dr6, %ebx"
        R0 "pushl $0x10002; pushl $KCODE; pushl $6f; movl $6f, %eax; movl %eax, %dr1; iret; nop; 6: nop; nop"
        R0 "xorl %eax, %eax; movl %eax, %dr7"

# Tasks: call and return, a gate, an interrupt by a task gate, a busy one. (Faults in the new task: QEMU 7.2 reports
# them at an instruction of the old one.)
        R0 "movl $0x1234, %esi; lcall $0x70, $0"
        R0 "lcall $0x80, $0"
        R0 "int $0x4b"
        R0 "ljmp $TSS, $0"                # busy
        call repair_tasks

# Virtual-8086 mode: code at 0x80000.
        movl $vm_code, %esi
        movl $0x80000, %edi
        movl $vm_end - vm_code, %ecx
        rep movsb
        movl $0x80000002, 0x7fff0       # for its IRET: back to a HLT
        movl $2, 0x7fff4
        .irp f, 0x20002, 0x23002
        .irp at, 0, 4, 8, 12, 16, 20, 24, 28, 32, 36, 40
        R0 "pushl $0x11; pushl $0x22; pushl $0x33; pushl $0x44; pushl $0x7000; pushl $0xfff0; pushl $\f; pushl $0x8000; pushl $\at; iret"
        .endr
        .endr

# Paging: rights of both levels, from both rings, with and without WP; then 4-MiB pages and PAE.
        call paging
        movl %cr0, %eax
        orl $0x80000000, %eax
        movl %eax, %cr0
        movl $0, %ecx
7:      movl %ecx, sel
        call rights
        R0 "movl 0x400000, %eax"
        R0 "movl %eax, 0x400000"
        R3 "movl 0x400000, %eax"
        R3 "movl %eax, 0x400000"
        R0 "call show"
        R0 "movl $0x5050505, %eax; movl %eax, 0x400ffe"
        R3 "movl $2, %ecx; movl $0x400ffc, %edi; cld; rep stosl"
        R3 "movl $0x400800, %eax; jmp *%eax"
        movl sel, %ecx
        incl %ecx
        cmpl $128, %ecx
        jb 7b
        movl %cr0, %eax
        andl $~0x10000, %eax
        movl %eax, %cr0

# Double fault, then the end by a triple fault.
        movl $0, idt + 13*8 + 4
        R0 "movl $0x9999, %eax; movl %eax, %ds"
        R3 "cli"
        movl $0, idt + 8*8 + 4
        movl $0x9999, %eax
        movl %eax, %ds
        hlt

landing:
        int $0x40

# Exceptions and interrupts all come here: log and go on with the next test.
common: pushal
        movl $KDATA, %eax
        movl %eax, %ds
        movl %eax, %es
        movl %esp, %ebp
        movl $14, %ecx                  # EDI ESI EBP ESP EBX EDX ECX EAX vector error EIP CS EFLAGS (ESP)
        testl $3, 44(%ebp)
        jz 1f
        incl %ecx                       # and SS
1:      xorl %edi, %edi
2:      movl (%ebp,%edi,4), %eax
        cmpl $2, %edi                   # EBP and ESP of PUSHA say nothing; flags: ZF, not the other arithmetic ones, not RF (QEMU 7.2 leaves it out)
        je 4f
        cmpl $3, %edi
        je 4f
        cmpl $12, %edi
        jne 3f
        andl $~0x10895, %eax
3:      call hex
4:      incl %edi
        cmpl %ecx, %edi
        jb 2b
        cmpl $14, 32(%ebp)
        jne 5f
        movl %cr2, %eax
        call hex
5:      movl %ds, %eax
        movb $10, %al
        outb %al, $0xe9
        movl $STACK0, %esp
        xorl %eax, %eax                 # EAX and the others begin each test alike
        movl %eax, %ebx
        movl %eax, %ecx
        movl %eax, %edx
        movl %eax, %esi
        movl %eax, %edi
        movl %eax, %ebp
        movl %eax, %fs
        movl %eax, %gs
        movl $KDATA, %eax
        movl %eax, %ss
        xorl %eax, %eax
        pushl $2
        popfl
        jmp *resume

hex:    pushl %ecx
        movl %eax, %edx
        movl $8, %ecx
1:      roll $4, %edx
        movb %dl, %al
        andb $15, %al
        addb $'0', %al
        cmpb $'9', %al
        jbe 2f
        addb $39, %al
2:      outb %al, $0xe9
        loop 1b
        movb $' ', %al
        outb %al, $0xe9
        popl %ecx
        ret

        .balign 16
stubs:  .set v, 0
        .rept 0x81
        .balign 16
        .if v != 8 && (v < 10 || v > 14) && v != 17
        pushl $0
        .endif
        pushl $v
        jmp common
        .set v, v + 1
        .endr

# The IDT's gates go to the stubs; a few of them are special.
build:  movl $stubs, %eax
        movl $idt, %edi
        movl $0x81, %ecx
1:      movl %eax, %edx
        andl $0xffff, %edx
        orl $KCODE << 16, %edx
        movl %edx, (%edi)
        movl %eax, %edx
        andl $0xffff0000, %edx
        orl $0x8e00, %edx
        movl %edx, 4(%edi)
        addl $8, %edi
        addl $16, %eax
        loop 1b
        movb $0xee, idt + 3*8 + 5
        movb $0xee, idt + 4*8 + 5
        movb $0xee, idt + 0x40*8 + 5
        movb $0xee, idt + 0x41*8 + 5
        movb $0xee, idt + 0x80*8 + 5
        movb $0xef, idt + 0x42*8 + 5    # trap gate
        movb $0x6e, idt + 0x43*8 + 5    # absent
        movb $0xe2, idt + 0x44*8 + 5    # no gate
        movw $0, idt + 0x45*8 + 2       # null selector
        movb $0xee, idt + 0x45*8 + 5
        movw $KDATA, idt + 0x46*8 + 2   # data
        movb $0xee, idt + 0x46*8 + 5
        movw $UCODE, idt + 0x47*8 + 2   # outer ring
        movb $0xee, idt + 0x47*8 + 5
        movw $0x58, idt + 0x48*8 + 2    # conforming code
        movb $0xee, idt + 0x48*8 + 5
        movw $0x9999, idt + 0x49*8 + 2  # beyond the GDT
        movb $0xee, idt + 0x49*8 + 5
        movw $0x50, idt + 0x4a*8 + 2    # absent code
        movb $0xee, idt + 0x4a*8 + 5
        movw $0xa1, idt + 0x41*8 + 2    # ring 1
        movl $STACK0 - 0x2000, tss + 12
        movl $0x70 << 16, idt + 0x4b*8  # task gate
        movl $0xe500, idt + 0x4b*8 + 4
        # bases and offsets in the GDT
        movl $tss, %eax
        movl $gdt + TSS, %edi
        call setbase
        movl $task, %eax
        movl $gdt + 0x70, %edi
        call setbase
        movl $ldt, %eax
        movl $gdt + 0x78, %edi
        call setbase
        movl $landing, %eax
        movw %ax, gdt + 0x90
        shrl $16, %eax
        movw %ax, gdt + 0x96
        movl $gate_target, %eax
        movw %ax, gdt + 0x98
        shrl $16, %eax
        movw %ax, gdt + 0x9e
repair_tasks:
        movl $task_code, task + 0x20
        movl $2, task + 0x24
        movl $STACK0 - 0x1000, task + 0x38
        movl $KDATA, task + 0x48
        movl $KCODE, task_cs
        movl $KDATA, task + 0x50
        movl $KDATA, task_ds
        movl $0, task + 0x58
        movl $0, task + 0x5c
        movl $0, task + 0x60
        movl $STACK0 - 0x800, task + 4
        movl $KDATA, task + 8
        # back to the first task, whatever happened
        movb $0x89, gdt + TSS + 5
        movb $0x89, gdt + 0x70 + 5
        lgdt gdtr
        movl $TSS, %eax
        ltr %ax
        pushl $2
        popfl
        ret
setbase:
        movw %ax, 2(%edi)
        shrl $16, %eax
        movb %al, 4(%edi)
        movb %ah, 7(%edi)
        ret

gate_target:
        movl 8(%esp), %esi
        movl 12(%esp), %edi
        lret $8
task_code:
        movl $0x5678, %edi
        str %bx
        pushfl
        popl %edx
        iret
        int $0x40

# Identity map of 4 MiB for everyone; 0x400000 upwards is the page under test (its frame is 0x100000 + ...).
paging: movl $0xf4f4f4f4, 0x400800      # HLT, for a fetch
        movl $PAGES, %edi
        movl $0x4000, %ecx
        xorl %eax, %eax
        rep stosl
        movl $PAGES + 0x1000, %edi
        movl $7, %eax
        movl $1024, %ecx
1:      stosl
        addl $0x1000, %eax
        loop 1b
        movl $PAGES + 0x1007, PAGES
        movl $PAGES, %eax
        movl %eax, %cr3
        ret
# Bits of ECX: 0-1 RW and US of the directory, 2-3 of the table, 4 present (table), 5 CR0.WP, 6 a 4-MiB page.
rights: movl %ecx, %eax
        andl $3, %eax
        shll $1, %eax
        orl $PAGES + 0x2001, %eax
        testl $0x40, %ecx
        jz 1f
        andl $7, %eax
        orl $0x400080, %eax
1:      movl %eax, PAGES + 4
        movl %ecx, %eax
        andl $12, %eax
        shrl $1, %eax
        movl %ecx, %edx
        shrl $4, %edx
        andl $1, %edx
        orl %edx, %eax
        orl $0x1f0000, %eax
        movl %eax, PAGES + 0x2000
        movl $0, PAGES + 0x2004
        movl $0xf4f4f4f4, 0x1f0800      # HLT, for a fetch
        movl $PAGES, %eax
        movl %eax, %cr3
        movl %ecx, %edx
        andl $0x40, %edx
        shrl $2, %edx
        movl %edx, %cr4
        movl %cr0, %eax
        andl $~0x10000, %eax
        testl $0x20, %ecx
        jz 2f
        orl $0x10000, %eax
2:      movl %eax, %cr0
        ret
# Accessed and dirty bits.
show:   movl PAGES + 4, %ebx
        movl PAGES + 0x2000, %edx
        ret

        .code16
        .balign 4
vm_code:
        int $0x42
        hlt
        .balign 4
        cli
        hlt
        .balign 4
        sti
        hlt
        .balign 4
        pushfw
        hlt
        .balign 4
        popfw
        hlt
        .balign 4
        iretw
        .balign 4
        int3
        .balign 4
        inb $0x80, %al
        hlt
        .balign 4
        movw %ds, %ax
        hlt
        .balign 4
        lldt %ax
        .balign 4
        movl %cr0, %eax
        .balign 4
vm_end:
        .code32

        .balign 8
gdt:    .quad 0
        .quad 0x00cf9b000000ffff        # 08 ring 0 code
        .quad 0x00cf93000000ffff        # 10 ring 0 data
        .quad 0x00cffb000000ffff        # 18 ring 3 code
        .quad 0x00cff3000000ffff        # 20 ring 3 data
        .quad 0x0000890000000067        # 28 TSS
        .quad 0x00cf91000000ffff        # 30 read-only data
        .quad 0x00cff1000000ffff        # 38 read-only data, ring 3
        .quad 0x00cf99000000ffff        # 40 execute-only code
        .quad 0x00cf13000000ffff        # 48 absent data
        .quad 0x00cf1b000000ffff        # 50 absent code
        .quad 0x00cf9f000000ffff        # 58 conforming code
        .quad 0x00cfd7000000ffff        # 60 expand-down data, ring 2
        .quad 0x00cfdf000000ffff        # 68 conforming code, ring 2
        .quad 0x0000890000000067        # 70 another TSS
        .quad 0x000082000000000f        # 78 LDT
        .quad 0x0000e50000700000        # 80 task gate
        .quad 0x00cffb000000ffff        # 88 ring 3 code
        .quad 0x0000ec0000080000        # 90 call gate
        .quad 0x0000ec0200080000        # 98 call gate, two parameters
        .quad 0x00cfbb000000ffff        # a0 ring 1 code
        .quad 0x00cfb3000000ffff        # a8 ring 1 data
gdt_end:
        .balign 8
ldt:    .quad 0x00cf93000000ffff
        .quad 0x00cff3000000ffff
gdtr:   .word gdt_end - gdt - 1
        .long gdt
idtr:   .word 0x81*8 - 1
        .long idt
flags3: .long 2
resume: .long 0
where:  .long 0
sel:    .long 0
limits: .word -5, 5
        .long 0, 10
        .balign 16
tss:    .long 0, STACK0, KDATA
        .fill 22, 4, 0
        .word 0, 0x68
        .balign 16
task:   .fill 26, 4, 0
        .set task_cs, task + 0x4c
        .set task_ds, task + 0x54
        .balign 16
idt:    .fill 0x81*2, 4, 0
