/* SPDX-License-Identifier: MIT */
/*
 * A driver that does nothing but fault, raise and handle. Each export is one
 * scene; the test calls it by name and reads the log.
 */
#include <ntddk.h>

#include "faults.h"

#define SCENE    __declspec(dllexport) void __cdecl
#define NOINLINE __attribute__((noinline))

typedef void scene(struct probe *);

NTSTATUS DriverEntry(PDRIVER_OBJECT driver, PUNICODE_STRING path)
{
    return STATUS_SUCCESS;
}

static void put(struct probe *p, char c)
{
    if (p->used < sizeof(p->log) - 1)
        p->log[p->used++] = c;
}

static LONG look(struct probe *p, EXCEPTION_POINTERS *pointers, LONG answer)
{
    p->code_in_filter = (unsigned)pointers->ExceptionRecord->ExceptionCode;
    p->flags = pointers->ExceptionRecord->ExceptionFlags;
    p->info[0] = pointers->ExceptionRecord->ExceptionInformation[0];
    p->info[1] = pointers->ExceptionRecord->ExceptionInformation[1];
    p->at = (ULONG_PTR)pointers->ExceptionRecord->ExceptionAddress;
    p->rip = pointers->ContextRecord->Rip;
    put(p, 'f');
    return answer;
}

NOINLINE static void touch_read(struct probe *p)
{
    p->result = *(volatile unsigned char *)p->argument;
}

NOINLINE static void touch_write(struct probe *p)
{
    *(volatile unsigned char *)p->argument = 1;
}

NOINLINE static void call_address(struct probe *p)
{
    ((scene *)p->argument)(p);
    put(p, 'r');
}

NOINLINE static void divide(struct probe *p)
{
    volatile int zero = 0;
    p->result = 10 / zero;
}

NOINLINE static void divide_overflow(struct probe *p)
{
    volatile long long low = (-9223372036854775807ll - 1);
    volatile long long minus = -1;
    p->result = (double)(low / minus);
}

NOINLINE static void breakpoint(struct probe *p)
{
    __asm__ volatile("int3");
    put(p, 'r');
}

NOINLINE static void illegal(struct probe *p)
{
    __asm__ volatile("ud2");
}

NOINLINE static void bad_lock(struct probe *p)
{
    __asm__ volatile(".byte 0xF0, 0x90");
}

NOINLINE static void privileged(struct probe *p)
{
    __asm__ volatile("lidt (%rsp)");
}

NOINLINE static void assertion(struct probe *p)
{
    __asm__ volatile("int $0x2c");
}

NOINLINE static void debug_print(struct probe *p)
{
    __asm__ volatile("movl $1, %%eax; int $0x2d; int3" ::: "eax");
    put(p, 'r');
}

NOINLINE static void debug_other(struct probe *p)
{
    __asm__ volatile("movl $77, %%eax; int $0x2d; int3" ::: "eax");
    put(p, 'r');
}

NOINLINE static void misaligned(struct probe *p)
{
    __asm__ volatile("movaps 1(%rsp), %xmm0");
}

NOINLINE static void raise_status(struct probe *p)
{
    ExRaiseStatus((NTSTATUS)p->argument);
}

NOINLINE static void raise_access_violation(struct probe *p)
{
    ExRaiseAccessViolation();
}

NOINLINE static void raise_misalignment(struct probe *p)
{
    ExRaiseDatatypeMisalignment();
}

/* The scene's act, inside one __try with one __except. */
static void guard(struct probe *p, scene *act, LONG answer)
{
    __try {
        act(p);
        put(p, 'n');
    } __except (look(p, GetExceptionInformation(), answer)) {
        p->code = (unsigned)GetExceptionCode();
        put(p, 'x');
    }
    put(p, 'e');
}

#define GUARDED(name, act)                                                                                   \
    SCENE name(struct probe *p)                                                                              \
    {                                                                                                        \
        guard(p, act, EXCEPTION_EXECUTE_HANDLER);                                                            \
    }

NOINLINE static void call_with_null(struct probe *p)
{
    ((void (*)(void *))p->argument)(NULL);
}

GUARDED(scene_read, touch_read)
GUARDED(scene_call_with_null, call_with_null)
GUARDED(scene_write, touch_write)
GUARDED(scene_call, call_address)
GUARDED(scene_divide, divide)
GUARDED(scene_divide_overflow, divide_overflow)
GUARDED(scene_breakpoint, breakpoint)
GUARDED(scene_illegal, illegal)
GUARDED(scene_bad_lock, bad_lock)
GUARDED(scene_privileged, privileged)
GUARDED(scene_assertion, assertion)
GUARDED(scene_debug_print, debug_print)
GUARDED(scene_debug_other, debug_other)
GUARDED(scene_misaligned, misaligned)
GUARDED(scene_raise, raise_status)
GUARDED(scene_raise_access_violation, raise_access_violation)
GUARDED(scene_raise_misalignment, raise_misalignment)

/* Unguarded: for bug checks and for callers' handlers. */
SCENE bare_read(struct probe *p)
{
    touch_read(p);
}

SCENE bare_write(struct probe *p)
{
    touch_write(p);
}

SCENE bare_raise(struct probe *p)
{
    raise_status(p);
}

SCENE bare_fast_fail(struct probe *p)
{
    __asm__ volatile("int $0x29" ::"c"(p->argument));
}

SCENE bare_missing_import(struct probe *p)
{
    KeTestSpinLock(NULL);
    put(p, '?');
}

/* Through our code into another routine, and back out by an exception. */
NOINLINE static void act_call_through(struct probe *p)
{
    ((void (*)(void *, struct probe *))p->call_through)(p->callee, p);
}

GUARDED(scene_call_through, act_call_through)

/* Two levels of __finally below the __except; filters run before any of them. */
NOINLINE static void inner_finally(struct probe *p)
{
    __try {
        touch_read(p);
    } __finally {
        put(p, AbnormalTermination() ? '1' : '?');
    }
}

NOINLINE static void outer_finally(struct probe *p)
{
    __try {
        inner_finally(p);
    } __finally {
        put(p, AbnormalTermination() ? '2' : '?');
    }
}

GUARDED(scene_finally_order, outer_finally)

/* The same through our frames, twice. */
NOINLINE static void finally_then_through(struct probe *p)
{
    __try {
        act_call_through(p);
    } __finally {
        put(p, '3');
    }
}

GUARDED(scene_finally_through, finally_then_through)

SCENE callee_finally(struct probe *p)
{
    outer_finally(p);
}

/* No exception: __finally runs once, normally. */
SCENE scene_finally_normal(struct probe *p)
{
    __try {
        put(p, 'a');
    } __finally {
        put(p, AbnormalTermination() ? '?' : '1');
    }
}

/* The inner filter declines, the outer one takes it. */
NOINLINE static void inner_declines(struct probe *p)
{
    __try {
        touch_read(p);
    } __except (put(p, 'd'), EXCEPTION_CONTINUE_SEARCH) {
        put(p, '?');
    }
}

GUARDED(scene_nested_filters, inner_declines)

/* __try in __try of one function: the inner declines, its sibling __finally runs. */
SCENE scene_nested_in_function(struct probe *p)
{
    __try {
        __try {
            __try {
                touch_read(p);
            } __except (put(p, 'd'), EXCEPTION_CONTINUE_SEARCH) {
                put(p, '?');
            }
        } __finally {
            put(p, '1');
        }
    } __except (look(p, GetExceptionInformation(), EXCEPTION_EXECUTE_HANDLER)) {
        put(p, 'x');
        p->code = (unsigned)GetExceptionCode();
    }
}

/* Nothing lies between the call and the __except body, which clang counts to the inner scope. */
NOINLINE static NTSTATUS raise_through_finally(struct probe *p, NTSTATUS what)
{
    NTSTATUS status = STATUS_SUCCESS;

    __try {
        __try {
            ExRaiseStatus(what);
        } __finally {
            put(p, '1');
        }
    } __except (GetExceptionCode() == what ? EXCEPTION_EXECUTE_HANDLER : EXCEPTION_CONTINUE_SEARCH) {
        status = GetExceptionCode();
    }
    return status;
}

SCENE scene_adjacent_except(struct probe *p)
{
    p->code = (unsigned)raise_through_finally(p, STATUS_NO_SUCH_FILE);
}

/* An exception in an __except body goes outwards only. */
NOINLINE static void raise_in_except(struct probe *p)
{
    __try {
        touch_read(p);
    } __except (put(p, 'i'), EXCEPTION_EXECUTE_HANDLER) {
        put(p, 'b');
        ExRaiseStatus(STATUS_NO_SUCH_DEVICE);
    }
}

GUARDED(scene_raise_in_except, raise_in_except)

/* An exception in a __finally that runs because of another one: a collided unwind. The second replaces the
 * first. */
NOINLINE static void raise_in_finally(struct probe *p)
{
    __try {
        __try {
            touch_read(p);
        } __finally {
            put(p, '1');
            ExRaiseStatus(STATUS_NO_SUCH_FILE);
        }
    } __finally {
        put(p, '2');
    }
}

NOINLINE static void middle_of_collision(struct probe *p)
{
    __try {
        raise_in_finally(p);
    } __except (put(p, GetExceptionCode() == STATUS_ACCESS_VIOLATION ? 'A' : 'B'),
                GetExceptionCode() == STATUS_NO_SUCH_FILE ? EXCEPTION_EXECUTE_HANDLER
                                                          : EXCEPTION_CONTINUE_SEARCH) {
        put(p, 'm');
        p->code = (unsigned)GetExceptionCode();
    }
}

SCENE scene_collided(struct probe *p)
{
    __try {
        middle_of_collision(p);
        put(p, 'n');
    } __except (put(p, 'C'), EXCEPTION_EXECUTE_HANDLER) {
        put(p, 'o');
    }
}

/* The second exception is caught within the __finally: the first unwind goes on. */
NOINLINE static void catch_in_finally(struct probe *p)
{
    __try {
        touch_read(p);
    } __finally {
        __try {
            ExRaiseStatus(STATUS_NO_SUCH_FILE);
        } __except (EXCEPTION_EXECUTE_HANDLER) {
            put(p, 'c');
        }
        put(p, '1');
    }
}

GUARDED(scene_catch_in_finally, catch_in_finally)

/* A filter that raises: the nested exception is offered to its own frame again, flagged, and then to those
 * around. */
NOINLINE static LONG raising_filter(struct probe *p, EXCEPTION_RECORD *record)
{
    if (record->ExceptionCode == STATUS_NO_SUCH_FILE) {
        put(p, record->ExceptionFlags & 0x10 ? 'N' : '?');
        return EXCEPTION_CONTINUE_SEARCH;
    }
    put(p, record->ExceptionFlags & 0x10 ? '?' : 'q');
    ExRaiseStatus(STATUS_NO_SUCH_FILE);
    return EXCEPTION_EXECUTE_HANDLER;
}

NOINLINE static void filter_raises(struct probe *p)
{
    __try {
        touch_read(p);
    } __except (raising_filter(p, ((EXCEPTION_POINTERS *)GetExceptionInformation())->ExceptionRecord)) {
        put(p, '?');
    }
}

GUARDED(scene_nested_exception, filter_raises)

/* A filter that handles an exception of its own, then takes the first one. */
NOINLINE static LONG handling_filter(struct probe *p)
{
    __try {
        ExRaiseStatus(STATUS_NO_SUCH_FILE);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        put(p, 'h');
    }
    return EXCEPTION_EXECUTE_HANDLER;
}

SCENE scene_handled_in_filter(struct probe *p)
{
    __try {
        touch_read(p);
    } __except (handling_filter(p)) {
        p->code = (unsigned)GetExceptionCode();
        put(p, 'x');
    }
}

/* Continue execution: the filter makes the page accessible. */
static LONG mend(struct probe *p, EXCEPTION_POINTERS *pointers)
{
    look(p, pointers, 0);
    ((void (*)(struct probe *))p->mend)(p);
    return EXCEPTION_CONTINUE_EXECUTION;
}

SCENE scene_continue_fault(struct probe *p)
{
    __try {
        touch_write(p);
        put(p, 'n');
    } __except (mend(p, GetExceptionInformation())) {
        put(p, '?');
    }
}

/* Continue after a breakpoint: the filter steps over it. */
static LONG step_over(struct probe *p, EXCEPTION_POINTERS *pointers)
{
    look(p, pointers, 0);
    pointers->ContextRecord->Rip++;
    return EXCEPTION_CONTINUE_EXECUTION;
}

SCENE scene_continue_breakpoint(struct probe *p)
{
    __try {
        breakpoint(p);
        put(p, 'n');
    } __except (step_over(p, GetExceptionInformation())) {
        put(p, '?');
    }
}

__declspec(dllimport) VOID NTAPI RtlRaiseException(PEXCEPTION_RECORD);

/* A continuable record: execution goes on after the call. */
SCENE scene_continue_raise(struct probe *p)
{
    EXCEPTION_RECORD record = {0};

    record.ExceptionCode = 0xE0001234;
    record.NumberParameters = 1;
    record.ExceptionInformation[0] = 99;
    __try {
        RtlRaiseException(&record);
        put(p, 'n');
    } __except (look(p, GetExceptionInformation(), EXCEPTION_CONTINUE_EXECUTION)) {
        put(p, '?');
    }
}

/* Continuing what cannot be continued is an exception of its own. */
NOINLINE static void continue_noncontinuable(struct probe *p)
{
    __try {
        ExRaiseStatus(STATUS_NO_SUCH_FILE);
    } __except (put(p, GetExceptionCode() == STATUS_NO_SUCH_FILE ? 'a' : 'b'),
                GetExceptionCode() == STATUS_NO_SUCH_FILE ? EXCEPTION_CONTINUE_EXECUTION
                                                          : EXCEPTION_CONTINUE_SEARCH) {
        put(p, '?');
    }
}

GUARDED(scene_noncontinuable, continue_noncontinuable)

/* Every nonvolatile register is overwritten, then the exception comes. */
NOINLINE static void clobber_and_read(struct probe *p)
{
    __asm__ volatile(
        "xorl %%ebx, %%ebx; xorl %%esi, %%esi; xorl %%edi, %%edi; xorl %%r12d, %%r12d; xorl %%r13d, %%r13d;"
        "xorl %%r14d, %%r14d; xorl %%r15d, %%r15d; xorps %%xmm6, %%xmm6; xorps %%xmm7, %%xmm7;"
        "xorps %%xmm8, %%xmm8; xorps %%xmm9, %%xmm9; xorps %%xmm10, %%xmm10; xorps %%xmm11, %%xmm11;"
        "xorps %%xmm12, %%xmm12; xorps %%xmm13, %%xmm13; xorps %%xmm14, %%xmm14; xorps %%xmm15, %%xmm15;"
        "movb (%0), %%al" ::"c"(p->argument)
        : "rax", "rbx", "rsi", "rdi", "r12", "r13", "r14", "r15", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10",
          "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
}

static struct probe *registers_probe;

NOINLINE static void clobber_through(struct probe *p)
{
    __asm__ volatile("xorps %%xmm6, %%xmm6; xorps %%xmm15, %%xmm15; xorl %%ebx, %%ebx; xorl %%r14d, %%r14d" ::
                         : "xmm6", "xmm15", "rbx", "r14");
    act_call_through(p);
    __asm__ volatile("" ::: "xmm6", "xmm15", "rbx", "r14");
}

SCENE set_registers_probe(struct probe *p)
{
    registers_probe = p;
}

SCENE registers_direct(void)
{
    struct probe *p = registers_probe;

    __try {
        clobber_and_read(p);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        put(p, 'x');
    }
}

SCENE registers_through(void)
{
    struct probe *p = registers_probe;

    __try {
        clobber_through(p);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        put(p, 'x');
    }
}

SCENE callee_clobber(struct probe *p)
{
    clobber_and_read(p);
}

/* Endless recursion. */
#pragma clang diagnostic ignored "-Winfinite-recursion"
NOINLINE static int recurse(volatile char *above)
{
    volatile char room[200];

    room[0] = *above;
    return recurse(room) + room[1];
}

SCENE bare_overflow(struct probe *p)
{
    char c = 0;
    __try {
        put(p, (char)recurse(&c));
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        put(p, '?');
    }
}

SCENE loop_faults(struct probe *p)
{
    for (unsigned i = 0; i < p->code; i++) {
        __try {
            touch_read(p);
        } __except (EXCEPTION_EXECUTE_HANDLER) {
            p->frame_count++;
        }
    }
}

SCENE loop_raises(struct probe *p)
{
    for (unsigned i = 0; i < p->code; i++) {
        __try {
            raise_status(p);
        } __except (EXCEPTION_EXECUTE_HANDLER) {
            p->frame_count++;
        }
    }
}

/* Two drivers and our frames between them, alternately. */
SCENE loop_through(struct probe *p)
{
    for (unsigned i = 0; i < p->code; i++) {
        __try {
            act_call_through(p);
        } __except (EXCEPTION_EXECUTE_HANDLER) {
            p->frame_count++;
        }
    }
}

/* Floating point that a preemption must not disturb. */
SCENE compute(struct probe *p)
{
    double sum = 0;
    volatile double step = 1.0000001;

    for (unsigned i = 0; i < p->code; i++) {
        sum = sum * 0.999999 + step * i;
        __asm__ volatile("" : "+x"(sum));
    }
    p->result = sum;
}

/* Some work, then the fault: so that a tick finds the driver at work. */
SCENE callee_work_and_read(struct probe *p)
{
    double sum = 1;

    for (unsigned i = 0; i < 4000; i++) {
        sum = sum * 0.5 + i;
        __asm__ volatile("" : "+x"(sum));
    }
    p->result = sum;
    outer_finally(p);
}

SCENE compute_x87(struct probe *p)
{
    long double sum = 0;

    for (unsigned i = 0; i < p->code; i++) {
        sum = sum * 0.5L + i;
        __asm__ volatile("" : "+t"(sum));
    }
    p->result = (double)sum;
}

__declspec(dllimport) USHORT NTAPI RtlCaptureStackBackTrace(ULONG, ULONG, PVOID *, PULONG);

NOINLINE static void trace_here(struct probe *p)
{
    ULONG hash;

    p->frame_count = RtlCaptureStackBackTrace((ULONG)p->argument, 16, p->frames, &hash);
    p->hash = hash;
    put(p, 't');
}

SCENE callee_trace(struct probe *p)
{
    trace_here(p);
    put(p, 'u');
}

SCENE scene_trace(struct probe *p)
{
    act_call_through(p);
    put(p, 'v');
}

SCENE scene_probe_read(struct probe *p)
{
    __try {
        ProbeForRead((void *)p->argument, p->info[0], (ULONG)p->info[1]);
        put(p, 'n');
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        p->code = (unsigned)GetExceptionCode();
    }
}

SCENE scene_probe_write(struct probe *p)
{
    __try {
        ProbeForWrite((void *)p->argument, p->info[0], (ULONG)p->info[1]);
        put(p, 'n');
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        p->code = (unsigned)GetExceptionCode();
    }
}

/* Stepped through instruction by instruction: prologues and epilogues of several shapes. */
NOINLINE static unsigned long long big_frame(struct probe *p)
{
    volatile char room[6000];

    room[0] = (char)p->argument;
    room[5999] = 3;
    __asm__ volatile("" ::: "rbx", "rsi", "rdi", "r12", "r13", "r14", "r15", "xmm6", "xmm7", "xmm15");
    return (unsigned long long)(room[0] + room[5999]);
}

NOINLINE static unsigned long long variable_frame(struct probe *p, unsigned n)
{
    volatile char *room = __builtin_alloca(n + 16);

    room[n] = (char)p->argument;
    __asm__ volatile("" ::: "rbx", "r12", "xmm8");
    return (unsigned long long)room[n];
}

NOINLINE static unsigned long long leaf(unsigned long long a)
{
    return a * 3 + 1;
}

unsigned long long tail_register_frame(unsigned long long a); /* frames.S */

/* Unwinding on request (frames.S has the frame). */
__declspec(dllimport) VOID NTAPI RtlUnwind(PVOID, PVOID, PEXCEPTION_RECORD, PVOID);
__declspec(dllimport) VOID NTAPI RtlUnwindEx(PVOID, PVOID, PEXCEPTION_RECORD, PVOID, PCONTEXT, PVOID);
__declspec(dllimport) VOID NTAPI _local_unwind(PVOID, PVOID);
void unwind_frame(struct probe *p, unsigned how);
static struct probe *unwind_probe;

void unwind_finally(BOOLEAN abnormal, PVOID frame)
{
    put(unwind_probe, abnormal ? '1' : '?');
}

void unwind_landed(struct probe *p, char where, unsigned long long rax)
{
    put(p, where);
    p->info[0] = rax;
}

NOINLINE static void unwind_from_here(PVOID frame, PVOID target, unsigned how)
{
    CONTEXT context;

    if (how == 0)
        _local_unwind(frame, target);
    else if (how == 1)
        RtlUnwind(frame, target, NULL, (PVOID)0x1122334455667788ull);
    else
        RtlUnwindEx(frame, target, NULL, (PVOID)42, &context, NULL);
}

void unwind_body(struct probe *p, PVOID frame, PVOID target, unsigned how)
{
    __try {
        unwind_from_here(frame, target, how & 0xF);
        put(p, '?');
    } __finally {
        put(p, '0');
    }
}

SCENE scene_unwind(struct probe *p)
{
    unwind_probe = p;
    unwind_frame(p, (unsigned)p->argument);
    put(p, 'e');
}

/* A language handler of the driver's own: logs each call, and answers what it is told to. */
void handled_frame(struct probe *p);

void read_argument(struct probe *p)
{
    unwind_probe = p;
    __asm__ volatile("movb (%0), %%al" ::"c"(p->argument) : "rax"); /* two bytes */
    put(p, 'n');
}

typedef struct {
    ULONG64 ControlPc, ImageBase;
    void *FunctionEntry;
    ULONG64 EstablisherFrame, TargetIp;
    PCONTEXT ContextRecord;
    void *LanguageHandler, *HandlerData;
} dispatcher_context;

EXCEPTION_DISPOSITION own_handler(PEXCEPTION_RECORD record, PVOID frame, PCONTEXT context,
                                  dispatcher_context *dispatcher)
{
    struct probe *p = unwind_probe;
    BOOLEAN right = *(ULONG *)dispatcher->HandlerData == 0x12345678 &&
                    dispatcher->LanguageHandler == (void *)own_handler &&
                    dispatcher->EstablisherFrame == (ULONG64)frame &&
                    dispatcher->ControlPc > (ULONG64)handled_frame;

    put(p, !right ? '?' : record->ExceptionFlags & 0x66 ? 'u' : 'd');
    if (record->ExceptionFlags & 0x66)
        return ExceptionContinueSearch;
    if (p->code)
        context->Rip += p->code; /* over the instruction */
    return (EXCEPTION_DISPOSITION)p->hash;
}

GUARDED(scene_own_handler, handled_frame)

/* The second instruction is moved away by the patch of the first, which is four bytes long. */
NOINLINE static void beside_a_patch(struct probe *p)
{
    __asm__ volatile("movq %%cr8, %%rax; movb (%0), %%al; nop; nop" ::"c"(p->argument) : "rax");
    put(p, 'r');
}

GUARDED(scene_beside_patch, beside_a_patch)

static LONG skip_two(struct probe *p, EXCEPTION_POINTERS *pointers)
{
    look(p, pointers, 0);
    pointers->ContextRecord->Rip += 2;
    return EXCEPTION_CONTINUE_EXECUTION;
}

SCENE scene_continue_beside_patch(struct probe *p)
{
    __try {
        beside_a_patch(p);
        put(p, 'n');
    } __except (skip_two(p, GetExceptionInformation())) {
        put(p, '?');
    }
}

NOINLINE static void simd_divide(struct probe *p)
{
    __asm__ volatile("pushq $0x1D80; ldmxcsr (%%rsp); popq %%rax; pxor %%xmm1, %%xmm1; movq %%rsp, %%rax;"
                     "cvtsi2sdq %%rax, %%xmm0; divsd %%xmm1, %%xmm0" ::
                         : "rax", "xmm0", "xmm1");
}

NOINLINE static void simd_inexact(struct probe *p)
{
    __asm__ volatile(
        "pushq $0x0F80; ldmxcsr (%%rsp); popq %%rax; movl $3, %%eax; cvtsi2sdl %%eax, %%xmm1; movl $1, %%eax;"
        "cvtsi2sdl %%eax, %%xmm0; divsd %%xmm1, %%xmm0" ::
            : "rax", "xmm0", "xmm1");
}

NOINLINE static void x87_divide(struct probe *p)
{
    __asm__ volatile("pushq $0x0373; fldcw (%%rsp); popq %%rax; fld1; fldz; fdivrp; fwait" ::: "rax");
}

#define FP_GUARDED(name, act)                                                                                \
    SCENE name(struct probe *p)                                                                              \
    {                                                                                                        \
        guard(p, act, EXCEPTION_EXECUTE_HANDLER);                                                            \
        __asm__ volatile("fninit; pushq $0x1F80; ldmxcsr (%%rsp); popq %%rax" ::: "rax");                    \
    }

FP_GUARDED(scene_simd_divide, simd_divide)
FP_GUARDED(scene_simd_inexact, simd_inexact)
FP_GUARDED(scene_x87_divide, x87_divide)

__declspec(dllimport) VOID NTAPI RtlCaptureContext(PCONTEXT);

SCENE scene_capture(struct probe *p)
{
    CONTEXT context;

    RtlCaptureContext(&context);
    p->rip = context.Rip;
    p->at = context.Rsp;
    put(p, 'n');
}

/* From the first int 3 to the second the test steps. */
SCENE step_me(struct probe *p)
{
    __asm__ volatile("int3");
    p->info[0] = big_frame(p) + variable_frame(p, 100) + leaf(p->argument) + tail_register_frame(p->argument);
    __asm__ volatile("int3");
}
