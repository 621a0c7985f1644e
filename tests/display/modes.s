# A disk that shows a picture in each video mode of the BIOS and waits for a byte on COM1 after each.
# It reports on COM1: the mode's number, then R (drawn), S (the BIOS does not have it); at the end E.

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
        movw    $0x0210, %ax            # sixteen sectors from the second on
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

main:
        movw    $modes, %si
next:   lodsw
        cmpw    $0xffff, %ax
        je      finished
        movw    %ax, mode
        lodsb
        movb    %al, kind
        lodsb
        movb    %al, banks
        call    show
        jmp     next
finished:
        movb    $'E', %al
        call    send
        jmp     stop

show:
        pushw   %si
        movw    mode, %ax
        call    send
        movb    mode+1, %al
        call    send
        movw    mode, %bx
        cmpw    $0x100, %bx
        jae     vesa
        movw    %bx, %ax
        int     $0x10
        jmp     draw
vesa:   movw    $0x4f02, %ax
        int     $0x10
        cmpw    $0x004f, %ax
        je      draw
        movb    $'S', %al
        call    send
        popw    %si
        ret

draw:   movb    kind, %al
        cmpb    $0, %al
        je      text
        cmpb    $1, %al
        je      cga
        cmpb    $2, %al
        je      planar

# A byte or more a pixel: all banks of the window at A0000h.
packed: xorw    %dx, %dx
1:      call    bank
        movw    $0xa000, %ax
        movw    %dx, %bx
        movw    $0x8000, %cx
        call    fill
        incw    %dx
        cmpb    banks, %dl
        jb      1b
        jmp     words

# Other bits for each plane.
planar: xorw    %dx, %dx
1:      call    bank
        movb    $1, %ah
2:      pushw   %dx
        movw    $0x3c4, %dx
        movb    $2, %al
        outw    %ax, %dx
        popw    %dx
        pushw   %ax
        movb    %ah, %bl
        xorb    %dl, %bh
        movw    $0xa000, %ax
        movw    $0x8000, %cx
        call    fill
        popw    %ax
        shlb    $1, %ah
        cmpb    $16, %ah
        jb      2b
        incw    %dx
        cmpb    banks, %dl
        jb      1b
        pushw   %dx
        movw    $0x3c4, %dx
        movw    $0x0f02, %ax
        outw    %ax, %dx
        popw    %dx
        jmp     words

cga:    movw    $0xb800, %ax
        xorw    %bx, %bx
        movw    $0x2000, %cx
        call    fill
        jmp     words

# Characters 0 to 7Fh in all colours, without blinking and cursor.
text:   movw    $0x1003, %ax
        xorw    %bx, %bx
        int     $0x10
        movb    $1, %ah
        movw    $0x2000, %cx
        int     $0x10
        movw    $0xb800, %ax
        cmpw    $7, mode
        jne     1f
        movw    $0xb000, %ax
1:      movw    %ax, %es
        xorw    %di, %di
        xorw    %ax, %ax
        movw    $0x800, %cx
2:      andb    $0x7f, %al
        stosw
        addw    $0x0305, %ax
        loop    2b

# The BIOS writes to the bank that it finds.
words:  xorw    %dx, %dx
        call    bank
        movw    $message, %si
1:      lodsb
        testb   %al, %al
        jz      2f
        movb    $0x0e, %ah
        movw    $0x000a, %bx
        pushw   %si
        int     $0x10
        popw    %si
        jmp     1b
2:      movb    $'R', %al
        call    send
        call    receive
        popw    %si
        ret

# Window A to bank DX, where the mode has banks.
bank:   cmpw    $0x100, mode
        jb      1f
        pushw   %dx
        movw    $0x4f05, %ax
        xorw    %bx, %bx
        int     $0x10
        popw    %dx
1:      ret

# CX words at AX:0, a function of their place and of BX.
fill:   pushw   %dx
        movw    %ax, %es
        xorw    %di, %di
1:      movw    %di, %ax
        xorb    %ah, %al
        movw    $0x9e35, %bp
        mulw    %bp
        addw    %bx, %ax
        xorw    %dx, %ax
        stosw
        loop    1b
        popw    %dx
        ret

send:   pushw   %dx
        pushw   %ax
        movw    $0x3fd, %dx
1:      inb     %dx, %al
        testb   $0x20, %al
        jz      1b
        popw    %ax
        movw    $0x3f8, %dx
        outb    %al, %dx
        popw    %dx
        ret

receive:
        movw    $0x3fd, %dx
1:      inb     %dx, %al
        testb   $0x01, %al
        jz      1b
        movw    $0x3f8, %dx
        inb     %dx, %al
        ret

mode:   .word   0
kind:   .byte   0
banks:  .byte   0
message: .asciz "Lockstep shows mode after mode: \004\010 "

        .macro  mode number, kind, banks=1
        .word   \number
        .byte   \kind, \banks
        .endm
modes:
        mode    0x00, 0
        mode    0x03, 0
        mode    0x07, 0
        mode    0x04, 1
        mode    0x05, 1
        mode    0x06, 1
        mode    0x0d, 2
        mode    0x0e, 2
        mode    0x0f, 2
        mode    0x10, 2
        mode    0x11, 2
        mode    0x12, 2
        mode    0x13, 3
        mode    0x100, 3, 4
        mode    0x101, 3, 5
        mode    0x102, 2, 1
        mode    0x103, 3, 8
        mode    0x104, 2, 2
        mode    0x105, 3, 12
        mode    0x10d, 3, 2
        mode    0x10e, 3, 2
        mode    0x10f, 3, 3
        mode    0x110, 3, 10
        mode    0x111, 3, 10
        mode    0x112, 3, 15
        mode    0x115, 3, 22
        mode    0x117, 3, 24
        mode    0x118, 3, 36
        mode    0x140, 3, 4
        mode    0x142, 3, 20
        mode    0x144, 3, 48
        mode    0x146, 3, 1
        .word   0xffff

