/* SPDX-License-Identifier: MIT */
/*
 * The virtual unwinder, held against the processor: a driver function is run
 * one instruction at a time, and at each of them (prologues and epilogues
 * included) the walk must lead to the same callers with the same registers.
 */
#include "scenes.h"

#include "arch/x86_64/unwind.h"

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
    assert_int_equal(p.info[0], (5 + 3) + 5 + 16 + (5 + 2 + 2 + 2));
    if (stepper.wrong)
        fail_msg("%u of %u instructions, the first at +0x%llx", stepper.wrong, stepper.steps,
                 (unsigned long long)stepper.first_wrong);
    assert_in_range(stepper.steps, 90, 10000);
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
    struct probe p = {0};
    CONTEXT context;

    play_and_expect("scene_capture", &p, "n");
    assert_in_range(p.rip, (ULONG64)scene("scene_capture"), (ULONG64)scene("scene_capture") + 100);

    memset(&context, 0xCC, sizeof(context));
    capture(&context);
    assert_int_equal(context.ContextFlags & CONTEXT_FULL, CONTEXT_FULL);
    assert_in_range(context.Rip, (ULONG64)capture, (ULONG64)capture + 600);
    assert_in_range(context.Rsp, (ULONG64)&context - 4096, (ULONG64)&context);
    assert_int_equal(context.MxCsr & 0x1F80, 0x1F80);
    assert_int_equal(context.SegCs, 0x33);
}

/*
 * Unwind data made by hand: what no compiler here emits. The "image" is its .xdata and a function of nops;
 * the stack is an array.
 */
#define CODE_RVA 0x1000
#define INFO_RVA 0x2000

static struct {
    _Alignas(4096) UCHAR image[0x3000];
    ULONG64 stack[64];
    struct arch_image arch;
    RUNTIME_FUNCTION functions[2];
} made;

static UNWIND_CODE code(UCHAR offset, UCHAR op, UCHAR info)
{
    return (UNWIND_CODE){.CodeOffset = offset, .UnwindOp = op, .OpInfo = info};
}

static UNWIND_CODE slot(USHORT value)
{
    return (UNWIND_CODE){.FrameOffset = value};
}

static UNWIND_INFO *make_info(ULONG rva, UCHAR flags, UCHAR prologue, unsigned count,
                              const UNWIND_CODE *codes)
{
    UNWIND_INFO *info = (UNWIND_INFO *)(made.image + rva);

    memset(info, 0, 4);
    info->Version = 1;
    info->Flags = flags;
    info->SizeOfProlog = prologue;
    info->CountOfCodes = (UCHAR)count;
    memcpy(info->UnwindCode, codes, count * sizeof(*codes));
    return info;
}

static CONTEXT make(void)
{
    CONTEXT context = {.Rsp = (ULONG64)made.stack, .Rip = (ULONG64)made.image + CODE_RVA + 0x20};

    memset(made.image, 0x90, sizeof(made.image));
    made.functions[0] = (RUNTIME_FUNCTION){CODE_RVA, CODE_RVA + 0x40, {INFO_RVA}};
    made.arch = (struct arch_image){.base = (ULONG64)made.image,
                                    .size = sizeof(made.image),
                                    .functions = made.functions,
                                    .function_count = 1};
    for (unsigned i = 0; i < countof(made.stack); i++)
        made.stack[i] = 1000 + i;
    return context;
}

static bool unwind_made(CONTEXT *context, struct unwound *out, KNONVOLATILE_CONTEXT_POINTERS *pointers)
{
    arch_image_add(&made.arch);
    bool ok = virtual_unwind(UNW_FLAG_EHANDLER, made.arch.base, context->Rip, made.functions, context, out,
                             pointers);
    arch_image_remove(&made.arch);
    return ok;
}

static void test_machine_frames(void **state)
{
    struct unwound out;

    for (UCHAR error = 0; error < 2; error++) {
        CONTEXT context = make();
        make_info(INFO_RVA, 0, 4, 2,
                  (UNWIND_CODE[]){code(4, UWOP_ALLOC_SMALL, 1), code(0, UWOP_PUSH_MACHFRAME, error)});
        assert_true(unwind_made(&context, &out, NULL));
        assert_int_equal(context.Rip, 1002 + error);
        assert_int_equal(context.Rsp, 1005 + error);
        assert_false(context.ContextFlags & CONTEXT_UNWOUND_TO_CALL);
    }
}

static void test_far_saves_and_large_allocations(void **state)
{
    KNONVOLATILE_CONTEXT_POINTERS pointers = {0};
    CONTEXT context = make();
    struct unwound out;

    make_info(INFO_RVA, 0, 9, 12,
              (UNWIND_CODE[]){code(9, UWOP_SAVE_XMM128_FAR, 11), slot(0x10), slot(0),
                              code(8, UWOP_SAVE_NONVOL_FAR, 6), slot(0x28), slot(0),
                              code(7, UWOP_ALLOC_LARGE, 1), slot(0x40), slot(0), code(2, UWOP_ALLOC_LARGE, 0),
                              slot(2), slot(0)});
    ((UNWIND_INFO *)(made.image + INFO_RVA))->CountOfCodes = 11;
    assert_true(unwind_made(&context, &out, &pointers));
    assert_int_equal(context.Xmm11.Low, 1002);
    assert_int_equal(context.Xmm11.High, 1003);
    assert_int_equal(context.Rsi, 1005);
    assert_ptr_equal(pointers.Rsi, &made.stack[5]);
    assert_ptr_equal(pointers.Xmm11, &made.stack[2]);
    assert_int_equal(context.Rip, 1010);
    assert_ptr_equal(context.Rsp, &made.stack[11]);
    assert_ptr_equal(out.establisher, made.stack);
    assert_true(context.ContextFlags & CONTEXT_UNWOUND_TO_CALL);
}

static void test_a_prologue_that_has_not_finished(void **state)
{
    static const UNWIND_CODE codes[] = {
        {{9, UWOP_ALLOC_SMALL, 3}}, {{4, UWOP_PUSH_NONVOL, 3}}, {{2, UWOP_PUSH_NONVOL, 7}}};
    static const unsigned popped[] = {[0] = 0, [1] = 0, [2] = 1, [4] = 2, [8] = 2, [9] = 6};
    static const UCHAR offsets[] = {0, 1, 2, 4, 8, 9};

    for (unsigned i = 0; i < countof(offsets); i++) {
        CONTEXT context = make();
        struct unwound out;
        ULONG *handler =
            (ULONG *)make_info(INFO_RVA, UNW_FLAG_EHANDLER, 9, countof(codes), codes)->UnwindCode + 2;
        *handler = 0x1000;
        context.Rip = (ULONG64)made.image + CODE_RVA + offsets[i];
        assert_true(unwind_made(&context, &out, NULL));
        assert_int_equal(context.Rip, 1000 + popped[offsets[i]]);
        assert_int_equal(out.handler != NULL, offsets[i] == 9); /* a prologue is not guarded */
    }
}

static void test_chained_entries(void **state)
{
    CONTEXT context = make();
    struct unwound out;
    UNWIND_INFO *child = make_info(INFO_RVA, UNW_FLAG_CHAININFO, 0, 2,
                                   (UNWIND_CODE[]){code(0, UWOP_SAVE_NONVOL, 12), slot(3)});

    *(RUNTIME_FUNCTION *)&child->UnwindCode[2] =
        (RUNTIME_FUNCTION){CODE_RVA, CODE_RVA + 0x10, {INFO_RVA + 0x100}};
    UNWIND_INFO *parent =
        make_info(INFO_RVA + 0x100, UNW_FLAG_EHANDLER, 5, 2,
                  (UNWIND_CODE[]){code(5, UWOP_ALLOC_SMALL, 4), code(1, UWOP_PUSH_NONVOL, 5)});
    *(ULONG *)&parent->UnwindCode[2] = 0x1234;
    assert_true(unwind_made(&context, &out, NULL));
    assert_int_equal(context.R12, 1003);
    assert_int_equal(context.Rbp, 1005);
    assert_int_equal(context.Rip, 1006);
    assert_ptr_equal(out.handler, made.image + 0x1234);
    assert_ptr_equal(out.handler_data, &parent->UnwindCode[4]);
}

static void test_epilogue_codes_of_version_2(void **state)
{
    CONTEXT context = make();
    struct unwound out;

    make_info(INFO_RVA, 0, 1, 3,
              (UNWIND_CODE[]){code(6, UWOP_EPILOG, 1), code(0, UWOP_EPILOG, 0), code(1, UWOP_PUSH_NONVOL, 3)})
        ->Version = 2;
    assert_true(unwind_made(&context, &out, NULL));
    assert_int_equal(context.Rbx, 1000);
    assert_int_equal(context.Rip, 1001);
}

static void test_indirect_entries(void **state)
{
    CONTEXT context = make();
    struct unwound out;

    *(RUNTIME_FUNCTION *)(made.image + 0x2800) = made.functions[0];
    make_info(INFO_RVA, 0, 1, 1, (UNWIND_CODE[]){code(1, UWOP_PUSH_NONVOL, 3)});
    made.functions[0].UnwindData = 0x2800 | RUNTIME_FUNCTION_INDIRECT;
    assert_true(unwind_made(&context, &out, NULL));
    assert_int_equal(context.Rbx, 1000);
}

static void test_unwind_data_that_lies(void **state)
{
    CONTEXT context = make();
    struct unwound out;

    made.functions[0].UnwindData = 0x7FFFFFF0;
    assert_false(unwind_made(&context, &out, NULL));

    context = make();
    make_info(INFO_RVA, 0, 3, 1, (UNWIND_CODE[]){code(3, UWOP_ALLOC_LARGE, 1)}); /* its size is missing */
    assert_false(unwind_made(&context, &out, NULL));

    context = make();
    UNWIND_INFO *loop = make_info(INFO_RVA, UNW_FLAG_CHAININFO, 0, 0, (UNWIND_CODE[1]){slot(0)});
    *(RUNTIME_FUNCTION *)loop->UnwindCode = made.functions[0]; /* its own parent */
    assert_false(unwind_made(&context, &out, NULL));

    context = make();
    assert_true(NT_SUCCESS(arch_init()));
    make_info(INFO_RVA, 0, 1, 1, (UNWIND_CODE[]){code(1, UWOP_PUSH_NONVOL, 3)});
    context.Rsp = 0x1230;
    assert_false(unwind_made(&context, &out, NULL));
}

/* Random unwind data, code and registers: any answer, and no crash. */
static void test_random_unwind_data(void **state)
{
    uint64_t random = 88172645463325252ull;
    unsigned unwound = 0;

    assert_true(NT_SUCCESS(arch_init()));
    for (unsigned round = 0; round < 20000; round++) {
        CONTEXT context = make();
        struct unwound out;
        for (unsigned i = 0; i < 300; i++) {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            made.image[INFO_RVA + i] = (UCHAR)random;
            made.image[CODE_RVA + i % 64] = (UCHAR)(random >> 8);
            if (i < 8)
                (&context.R8)[i] = (ULONG64)made.stack + (random & 0x1F8);
        }
        context.Rip = (ULONG64)made.image + CODE_RVA + random % 64;
        unwound += unwind_made(&context, &out, NULL);
    }
    assert_in_range(unwound, 100, 19900);
}

int unwind_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_instruction_of_a_driver_function),
        cmocka_unit_test(test_machine_frames),
        cmocka_unit_test(test_far_saves_and_large_allocations),
        cmocka_unit_test(test_a_prologue_that_has_not_finished),
        cmocka_unit_test(test_chained_entries),
        cmocka_unit_test(test_epilogue_codes_of_version_2),
        cmocka_unit_test(test_indirect_entries),
        cmocka_unit_test(test_unwind_data_that_lies),
        cmocka_unit_test(test_random_unwind_data),
        cmocka_unit_test(test_back_traces),
        cmocka_unit_test(test_looking_things_up),
        cmocka_unit_test(test_an_unhandled_exception_can_be_walked_from),
        cmocka_unit_test(test_capturing_a_context),
    };
    return cmocka_run_group_tests_name("arch: unwinding", tests, scenes_setup, scenes_teardown);
}
