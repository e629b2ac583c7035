/* SPDX-License-Identifier: MIT */
/*
 * The virtual unwinder, held against the processor: a driver function is run
 * one instruction at a time, and at each of them (prologues and epilogues
 * included) the walk must lead to the same callers with the same registers.
 */
#include "scenes.h"

#include <string.h>

#define TRAP_FLAG 0x100

PVOID NTAPI RtlPcToFileHeader(PVOID, PVOID *);
PRUNTIME_FUNCTION NTAPI RtlLookupFunctionEntry(ULONG64, PULONG64, PUNWIND_HISTORY_TABLE);
PEXCEPTION_ROUTINE NTAPI RtlVirtualUnwind(ULONG, ULONG64, ULONG64, PRUNTIME_FUNCTION, PCONTEXT, PVOID *,
                                          PULONG64, PKNONVOLATILE_CONTEXT_POINTERS);
VOID NTAPI RtlCaptureContext(PCONTEXT);

static struct {
    unsigned steps, wrong, callers;
    CONTEXT home; /* in our code, as unwound from the body of the scene before the first step */
    bool stepping;
    ULONG64 first_wrong;
} stepper;

static bool same_kept_registers(const CONTEXT *a, const CONTEXT *b)
{
    return a->Rbx == b->Rbx && a->Rbp == b->Rbp && a->Rsi == b->Rsi && a->Rdi == b->Rdi && a->R12 == b->R12 &&
           a->R13 == b->R13 && a->R14 == b->R14 && a->R15 == b->R15 &&
           !memcmp(&a->Xmm6, &b->Xmm6, 10 * sizeof(M128A));
}

/* Unwinds to the first frame that is not a driver's. */
static CONTEXT unwind_home(const CONTEXT *from)
{
    CONTEXT context = *from;

    for (unsigned i = 0; i < 16 && arch_image_find(context.Rip); i++) {
        ULONG64 base, frame;
        void *data;
        PRUNTIME_FUNCTION function = RtlLookupFunctionEntry(context.Rip, &base, NULL);
        if (function) {
            RtlVirtualUnwind(UNW_FLAG_NHANDLER, base, context.Rip, function, &context, &data, &frame, NULL);
        } else {
            context.Rip = *(ULONG64 *)context.Rsp;
            context.Rsp += 8;
        }
        stepper.callers += i > 0;
    }
    return context;
}

static void check_step(const CONTEXT *context)
{
    CONTEXT home = unwind_home(context);

    stepper.steps++;
    if (home.Rip == stepper.home.Rip && home.Rsp == stepper.home.Rsp &&
        same_kept_registers(&home, &stepper.home))
        return;
    if (!stepper.wrong++)
        stepper.first_wrong = context->Rip - scene_image()->base;
}

/* The first int 3 starts the stepping, the second ends it. */
static bool step(EXCEPTION_RECORD *record, CONTEXT *context)
{
    if (record->ExceptionCode == STATUS_BREAKPOINT) {
        stepper.stepping = !stepper.stepping;
        if (stepper.stepping)
            stepper.home = unwind_home(context);
        context->Rip++;
    } else if (record->ExceptionCode == STATUS_SINGLE_STEP) {
        check_step(context);
    } else {
        return false;
    }
    context->EFlags &= ~(ULONG)TRAP_FLAG;
    context->EFlags |= stepper.stepping ? TRAP_FLAG : 0;
    return true;
}

static void run_stepped(void *probe)
{
    scene("step_me")(probe);
}

static void test_every_instruction_of_a_driver_function(void **state)
{
    struct probe p = {.argument = 5};

    memset(&stepper, 0, sizeof(stepper));
    arch_ops.emulate = step;
    machine_run(run_stepped, &p);
    arch_ops.emulate = NULL;
    assert_int_equal(p.info[0], (5 + 3) + 5 + 16);
    if (stepper.wrong)
        fail_msg("%u of %u instructions, the first at +0x%llx", stepper.wrong, stepper.steps,
                 (unsigned long long)stepper.first_wrong);
    assert_in_range(stepper.steps, 40, 10000);
    assert_in_range(stepper.callers, 30, 10000);
}

static bool within(const void *address, const struct probe *p, unsigned frame)
{
    ULONG64 rva = (ULONG64)p->frames[frame] - (ULONG64)address;

    return rva < 400;
}

static void test_back_traces(void **state)
{
    struct probe p = {.callee = scene_b("callee_trace")},
                 q = {.callee = scene_b("callee_trace"), .argument = 2};

    play_and_expect("scene_trace", &p, "tuv");
    assert_in_range(p.frame_count, 3,
                    4); /* trace_here, callee_trace; act_call_through, scene_trace: tail calls may merge */
    assert_ptr_not_equal(arch_image_find((ULONG64)p.frames[0]), scene_image());
    assert_ptr_equal(arch_image_find((ULONG64)p.frames[p.frame_count - 1]), scene_image());
    assert_true(within(scene("scene_trace"), &p, p.frame_count - 1));
    ULONG sum = 0;
    for (unsigned i = 0; i < p.frame_count; i++)
        sum += (ULONG)(ULONG64)p.frames[i];
    assert_int_equal(p.hash, sum);

    play_and_expect("scene_trace", &q, "tuv");
    assert_int_equal(q.frame_count, p.frame_count - 2);
    assert_ptr_equal(q.frames[0], p.frames[2]);
}

static void test_looking_things_up(void **state)
{
    ULONG64 base = 1;
    void *header;
    ULONG64 fn = (ULONG64)scene("scene_collided");
    PRUNTIME_FUNCTION function = RtlLookupFunctionEntry(fn + 1, &base, NULL);

    assert_non_null(function);
    assert_int_equal(base, scene_image()->base);
    assert_int_equal(function->BeginAddress + base, fn);
    assert_ptr_equal(RtlPcToFileHeader((PVOID)fn, &header), (void *)base);
    assert_ptr_equal(header, (void *)base);
    assert_null(RtlPcToFileHeader(&base, &header));
    assert_null(header);
    assert_null(RtlLookupFunctionEntry((ULONG64)&base, &base, NULL));
    assert_int_equal(base, 0);
}

static void test_an_unhandled_exception_can_be_walked_from(void **state)
{
    struct probe p = {.argument = 0x1230, .callee = scene_b("bare_read")};

    assert_int_equal(play("scene_trace", &p), UNHANDLED);
    assert_int_equal(ending.frame_count, 2); /* the calls between were tail calls */
    assert_int_equal(ending.frames[0], ending.context.Rip);
    assert_ptr_not_equal(arch_image_find(ending.frames[0]), scene_image());
    assert_ptr_equal(arch_image_find(ending.frames[1]), scene_image());
}

__attribute__((noinline)) static void NTAPI capture(CONTEXT *context)
{
    RtlCaptureContext(context);
    __asm__ volatile("");
}

static void test_capturing_a_context(void **state)
{
    CONTEXT context;

    memset(&context, 0xCC, sizeof(context));
    capture(&context);
    assert_int_equal(context.ContextFlags & CONTEXT_FULL, CONTEXT_FULL);
    assert_in_range(context.Rip, (ULONG64)capture, (ULONG64)capture + 600);
    assert_in_range(context.Rsp, (ULONG64)&context - 4096, (ULONG64)&context);
    assert_int_equal(context.MxCsr & 0x1F80, 0x1F80);
    assert_int_equal(context.SegCs, 0x33);
}

int unwind_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_instruction_of_a_driver_function),
        cmocka_unit_test(test_back_traces),
        cmocka_unit_test(test_looking_things_up),
        cmocka_unit_test(test_an_unhandled_exception_can_be_walked_from),
        cmocka_unit_test(test_capturing_a_context),
    };
    return cmocka_run_group_tests_name("arch: unwinding", tests, scenes_setup, scenes_teardown);
}
