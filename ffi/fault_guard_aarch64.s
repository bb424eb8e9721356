// The handler of `fault_guard.ts`, for Linux on arm64: called as
// handler(int signal, siginfo_t *info, void *context). What it does, and why,
// stands in fault_guard_x86_64.s.
//
// aarch64-linux-gnu-as -o guard.o fault_guard_aarch64.s;
// aarch64-linux-gnu-objcopy -O binary -j .text guard.o it

        .set TABLE, 0x10000             // from the code's beginning
        .set PREVIOUS, 0
        .set PREVIOUS_FLAGS, 8
        .set DEFAULT, 16
        .set ROWS, 64
        .set ROW_COUNT, 1024
        .set ROW_BYTES, 32
        .set END, 8
        .set FLAG, 16
        .set STATE, 20

        .set SIGBUS, 7
        .set BUS_ADRERR, 2
        .set SI_CODE, 8
        .set SI_ADDR, 16
        .set SA_RESETHAND_BIT, 31
        .set SYS_MMAP, 222
        .set SYS_RT_SIGACTION, 134
        .set SYS_GETPID, 172
        .set SYS_GETTID, 178
        .set SYS_TGKILL, 131
        .set READ_WRITE, 3
        .set FIXED_PRIVATE_ANONYMOUS, 0x4032

        .text
guard:  .ascii  "purezmq fault guard, table 1"
        .balign 64, 0

        ldr     w9, [x1, #SI_CODE]
        adr     x11, guard + TABLE
        cmp     w9, #BUS_ADRERR
        b.ne    chain
        ldr     x10, [x1, #SI_ADDR]
        add     x12, x11, #ROWS
        mov     w13, #ROW_COUNT
row:    add     x16, x12, #STATE
        ldar    w17, [x16]
        tbz     w17, #0, next
        ldr     x14, [x12]
        cmp     x10, x14
        b.lo    next
        ldr     x15, [x12, #END]
        cmp     x10, x15
        b.hs    next
        dmb     ishld
        ldr     w16, [x16]
        cmp     w16, w17
        b.eq    replace
next:   add     x12, x12, #ROW_BYTES
        subs    w13, w13, #1
        b.ne    row
        b       chain

replace:
        mov     w16, #1
        str     w16, [x12, #FLAG]
        dmb     ish
        // A system call changes no register but the first.
        mov     x9, x0
        mov     x16, x1
        mov     x17, x2
        mov     x0, x14
        sub     x1, x15, x14
        mov     x2, #READ_WRITE
        mov     x3, #FIXED_PRIVATE_ANONYMOUS
        mov     x4, #-1
        mov     x5, #0
        mov     x8, #SYS_MMAP
        svc     #0
        cmn     x0, #4095
        mov     x0, x9
        mov     x1, x16
        mov     x2, x17
        b.hs    chain
        ret

chain:  ldr     x16, [x11, #PREVIOUS]
        cmp     x16, #1
        b.hi    call
        ldr     w9, [x1, #SI_CODE]
        b.lo    default
        cmp     w9, #0
        b.le    done
default:
        mov     x17, x30
        bl      reset
        mov     x30, x17
        cmp     w9, #0
        b.gt    done
        mov     x8, #SYS_GETPID
        svc     #0
        mov     x10, x0
        mov     x8, #SYS_GETTID
        svc     #0
        mov     x1, x0
        mov     x0, x10
        mov     x2, #SIGBUS
        mov     x8, #SYS_TGKILL
        svc     #0
done:   ret

call:   ldr     w9, [x11, #PREVIOUS_FLAGS]
        tbz     w9, #SA_RESETHAND_BIT, jump
        mov     x9, x0
        mov     x10, x1
        mov     x12, x2
        mov     x17, x30
        bl      reset
        mov     x30, x17
        mov     x0, x9
        mov     x1, x10
        mov     x2, x12
jump:   br      x16

reset:  mov     x0, #SIGBUS
        add     x1, x11, #DEFAULT
        mov     x2, #0
        mov     x3, #8
        mov     x8, #SYS_RT_SIGACTION
        svc     #0
        ret
