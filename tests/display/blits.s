# A disk that makes the Cirrus adapter do the blits that follow the code, and reports on COM1 a sum of video memory after
# each (four bytes), which all start from the same contents. A blit: GR20 to GR35, foreground (4 bytes), background (4), bytes that the processor gives (2).

        .code16
        .text
start:
        cli
        xorw    %ax, %ax
        movw    %ax, %ds
        movw    %ax, %es
        movw    %ax, %ss
        movw    $0x7c00, %sp
        sti
        cld
        movw    $0x0238, %ax            # 56 sectors from the second on
        movw    $0x0002, %cx
        xorb    %dh, %dh
        movw    $0x7e00, %bx
        int     $0x13
        jc      stop
        jmp     main
stop:   cli
        hlt
        jmp     stop

        .org    510
        .word   0xaa55

main:   movw    $0x4f02, %ax            # 640x480x8
        movw    $0x0101, %bx
        int     $0x10
        movw    $0xa000, %ax
        movw    %ax, %es
        movw    $0x1206, %ax            # unlock
        movw    $0x3c4, %dx
        outw    %ax, %dx
        movw    $0x000b, %ax            # one bank of 64 KiB, in steps of 4 KiB
        call    gr
        movw    $blits, %si
blit:   cmpw    $0xffff, 30(%si)
        je      stop
        xorl    %ebp, %ebp              # fill eight banks
        xorb    %bh, %bh
1:      call    bank
        xorw    %di, %di
2:      imull   $1664525, %ebp, %ebp
        addl    $1013904223, %ebp
        movl    %ebp, %eax
        shrl    $9, %eax
        stosl
        testw   %di, %di
        jnz     2b
        incb    %bh
        cmpb    $8, %bh
        jb      1b

        movb    $0x20, %al
1:      movb    (%si), %ah
        cmpb    $0x31, %al
        je      2f
        call    gr
2:      incw    %si
        incb    %al
        cmpb    $0x36, %al
        jb      1b
        movw    $colours, %bx
3:      movb    (%bx), %al
        movb    (%si), %ah
        call    gr
        incw    %si
        incw    %bx
        cmpw    $colours+8, %bx
        jb      3b
        movw    $0x0231, %ax            # start
        call    gr
        lodsw
        movw    %ax, %cx
        jcxz    5f
4:      imull   $1664525, %ebp, %ebp
        addl    $1013904223, %ebp
        movl    %ebp, %eax
        shrl    $16, %eax
        movb    %al, %es:0
        loop    4b
5:      movw    $0x0431, %ax            # end what may still wait
        call    gr
        movw    $0x0031, %ax
        call    gr
        call    sum
        movl    %ecx, %eax
        movb    $4, %bl
6:      call    send
        shrl    $8, %eax
        decb    %bl
        jnz     6b
        jmp     blit

sum:    pushw   %si
        xorl    %ecx, %ecx
        xorb    %bh, %bh
1:      call    bank
        xorw    %si, %si
2:      movl    %es:(%si), %eax
        roll    $5, %ecx
        xorl    %eax, %ecx
        addl    $0x9e3779b9, %ecx
        addw    $4, %si
        jnz     2b
        incb    %bh
        cmpb    $8, %bh
        jb      1b
        popw    %si
        ret

# The window to the 64 KiB of number BH.
bank:   movb    %bh, %ah
        shlb    $4, %ah
        movb    $0x09, %al
gr:     pushw   %dx
        movw    $0x3ce, %dx
        outw    %ax, %dx
        popw    %dx
        ret

send:   pushw   %dx
        pushl   %eax
        movw    $0x3fd, %dx
1:      inb     %dx, %al
        testb   $0x20, %al
        jz      1b
        popl    %eax
        movw    $0x3f8, %dx
        outb    %al, %dx
        popw    %dx
        ret

colours: .byte  0x01, 0x11, 0x13, 0x15, 0x00, 0x10, 0x12, 0x14

        .org    1024
blits:
