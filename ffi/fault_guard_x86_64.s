# The handler of `fault_guard.ts`, for Linux on x86-64: called as
# handler(int signal, siginfo_t *info, void *context).
#
# It runs in whatever thread has met a fault, in the middle of anything: it
# touches its own table, the registers that a call may change, and makes system
# calls that are safe there.
#
# as --64 -o guard.o fault_guard_x86_64.s; objcopy -O binary -j .text guard.o it

        .set TABLE, guard + 0x10000     # the data beside the code
        .set PREVIOUS, 0                # the handler before this one
        .set PREVIOUS_FLAGS, 8          # its sa_flags
        .set DEFAULT, 16                # a struct sigaction that is all zero
        .set ROWS, 64
        .set ROW_COUNT, 1024
        .set ROW_BYTES, 32
        .set END, 8                     # behind the last byte of a row's range
        .set FLAG, 16
        .set STATE, 20                  # odd while the range counts

        .set SIGBUS, 7
        .set BUS_ADRERR, 2
        .set SI_CODE, 8                 # in siginfo_t
        .set SI_ADDR, 16
        .set SA_RESETHAND_BYTE, 0x80    # of the flags' highest byte
        .set SYS_MMAP, 9
        .set SYS_RT_SIGACTION, 13
        .set SYS_GETPID, 39
        .set SYS_GETTID, 186
        .set SYS_TGKILL, 234
        .set READ_WRITE, 3
        .set FIXED_PRIVATE_ANONYMOUS, 0x4032    # and MAP_NORESERVE

        .text
guard:  .ascii  "purezmq fault guard, table 1"  # see MAGIC
        .balign 64, 0

        # handler: is it a fault of a range in the table?
        cmpl    $BUS_ADRERR, SI_CODE(%rsi)
        jne     chain
        movq    SI_ADDR(%rsi), %rax
        leaq    TABLE+ROWS(%rip), %r8
        movl    $ROW_COUNT, %ecx
row:    movl    STATE(%r8), %r11d
        testb   $1, %r11b
        jz      next
        movq    (%r8), %r9              # where the range begins
        cmpq    %r9, %rax
        jb      next
        movq    END(%r8), %r10
        cmpq    %r10, %rax
        jae     next
        cmpl    STATE(%r8), %r11d       # still the same range?
        je      replace
next:   addq    $ROW_BYTES, %r8
        decl    %ecx
        jnz     row
        jmp     chain

        # Zeros take the place of the whole range. The flag comes first: who
        # sees a zero sees the flag.
replace:
        movl    $1, FLAG(%r8)
        pushq   %rdi
        pushq   %rsi
        pushq   %rdx
        movq    %r9, %rdi
        movq    %r10, %rsi
        subq    %r9, %rsi
        movl    $READ_WRITE, %edx
        movl    $FIXED_PRIVATE_ANONYMOUS, %r10d
        movq    $-1, %r8
        xorl    %r9d, %r9d
        movl    $SYS_MMAP, %eax
        syscall
        popq    %rdx
        popq    %rsi
        popq    %rdi
        cmpq    $-4096, %rax
        ja      chain                   # no memory: as if we were not there
        ret

        # Not ours: as the one before would have had it.
chain:  leaq    TABLE(%rip), %r8
        movq    PREVIOUS(%r8), %rax
        cmpq    $1, %rax
        ja      call
        jb      default
        cmpl    $0, SI_CODE(%rsi)       # SIG_IGN: only what somebody has sent
        jle     done
default:
        pushq   %rsi
        call    reset
        popq    %rsi
        cmpl    $0, SI_CODE(%rsi)
        jg      done                    # a fault comes again by itself
        movl    $SYS_GETPID, %eax
        syscall
        movl    %eax, %edi
        movl    $SYS_GETTID, %eax
        syscall
        movl    %eax, %esi
        movl    $SIGBUS, %edx
        movl    $SYS_TGKILL, %eax
        syscall                         # blocked until the handler returns
done:   ret

call:   testb   $SA_RESETHAND_BYTE, PREVIOUS_FLAGS+3(%r8)
        jz      jump
        pushq   %rdi
        pushq   %rsi
        pushq   %rdx
        pushq   %rax
        call    reset
        popq    %rax
        popq    %rdx
        popq    %rsi
        popq    %rdi
jump:   jmp     *%rax                   # it returns to where we would

        # SIGBUS as it is by default.
reset:  movl    $SIGBUS, %edi
        leaq    TABLE+DEFAULT(%rip), %rsi
        xorl    %edx, %edx
        movl    $8, %r10d
        movl    $SYS_RT_SIGACTION, %eax
        syscall
        ret
        .balign 4, 0xcc
