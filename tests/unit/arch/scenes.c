/* SPDX-License-Identifier: MIT */
/*
 * The stage (scenes.h): two images of the driver, and what the layers above
 * would decide.
 */
#include "scenes.h"

#include <stdio.h>
#include <string.h>
#include "host/memory.h"
#include "ldr/ldr.h"

extern const unsigned char faults_sys[];
extern const unsigned long faults_sys_length;

struct ending ending;
KIRQL test_irql;

static struct ldr_image *images[2];

/* What the driver imports must be in this program: an archive gives only what is named. */
NTSTATUS NTAPI ExRaiseStatus(NTSTATUS);
EXCEPTION_DISPOSITION NTAPI __C_specific_handler(void *, void *, void *, void *);
VOID NTAPI ProbeForRead(PVOID, SIZE_T, ULONG);
USHORT NTAPI RtlCaptureStackBackTrace(ULONG, ULONG, PVOID *, PULONG);
__attribute__((used)) static const void *const linked[] = {
    (const void *)ExRaiseStatus, (const void *)__C_specific_handler, (const void *)ProbeForRead,
    (const void *)RtlCaptureStackBackTrace};

static void NTAPI call_through(scene_fn *fn, struct probe *probe)
{
    volatile char keep[300]; /* a frame of some size, that only a record can cross */

    keep[0] = 1;
    fn(probe);
    keep[1] = keep[0];
}

static const struct export_entry through_entry = {
    "test", "through", (const void *)call_through, 0, 15, X_CALLS_DRIVER, 0};

static void mend(struct probe *probe)
{
    assert_true(NT_SUCCESS(hmem_commit((void *)probe->argument, 1, HMEM_RW)));
}

static void NTAPI mend_from_driver(struct probe *probe)
{
    mend(probe);
}

static struct arch_thread *current_thread(void)
{
    struct test_thread *thread = machine_thread();

    return thread ? &thread->arch : NULL;
}

static KIRQL current_irql(void)
{
    return test_irql;
}

_Noreturn static void end_with(enum outcome outcome, const EXCEPTION_RECORD *record, const CONTEXT *context)
{
    ending.outcome = outcome;
    if (record)
        ending.record = *record;
    if (context) {
        ending.context = *context;
        ending.frame_count = arch_walk(context, ending.frames, countof(ending.frames));
    }
    machine_leave();
}

__attribute__((noreturn)) static void on_unhandled(EXCEPTION_RECORD *record, CONTEXT *context)
{
    end_with(UNHANDLED, record, context);
}

__attribute__((noreturn)) static void on_fault_bugcheck(ULONG code, const ULONG64 p[4], const char *sentence,
                                                        EXCEPTION_RECORD *record, CONTEXT *context)
{
    ending.code = code;
    memcpy(ending.p, p, sizeof(ending.p));
    snprintf(ending.sentence, sizeof(ending.sentence), "%s", sentence ? sentence : "");
    end_with(BUGCHECK, record, context);
}

static struct ldr_image *load(const char *name)
{
    struct ldr_load_options options = {.name = name};
    struct ldr_error error = {0};
    struct ldr_image *image = ldr_load(faults_sys, faults_sys_length, &options, &error);

    if (!image)
        fail_msg("%s: %s", name, error.text);
    return image;
}

int scenes_setup(void **state)
{
    arch_ops.current = current_thread;
    arch_ops.irql = current_irql;
    arch_ops.unhandled = on_unhandled;
    arch_ops.fault_bugcheck = on_fault_bugcheck;
    assert_true(NT_SUCCESS(arch_init()));
    assert_true(NT_SUCCESS(arch_thread_prepare()));
    images[0] = load("faults.sys");
    images[1] = load("second.sys");
    return 0;
}

int scenes_teardown(void **state)
{
    ldr_unload(images[1]);
    ldr_unload(images[0]);
    arch_thread_restore();
    arch_fini();
    memset(&arch_ops, 0, sizeof(arch_ops));
    return 0;
}

scene_fn *scene(const char *name)
{
    scene_fn *fn = ldr_export_of(images[0], name);

    if (!fn)
        fail_msg("no scene %s", name);
    return fn;
}

scene_fn *scene_b(const char *name)
{
    return ldr_export_of(images[1], name);
}

struct arch_image *scene_image(void)
{
    return &images[0]->arch;
}

struct performance {
    scene_fn *fn;
    struct probe *probe;
};

static void perform(void *performance_)
{
    struct performance *performance = performance_;
    struct arch_try barrier;

    if (ARCH_TRY(&barrier)) {
        performance->fn(performance->probe);
        arch_try_pop(&barrier);
    }
    assert_null(current_thread()->records);
    assert_ptr_equal(current_thread()->gate_top, current_thread()->records_high);
}

void scene_prepare(struct probe *probe)
{
    probe->call_through = (void *)arch_gate(&through_entry, ARCH_GATE_RECORD);
    probe->mend = (void *)mend_from_driver;
}

enum outcome play(const char *name, struct probe *probe)
{
    struct performance performance = {scene(name), probe};

    scene_prepare(probe);
    memset(&ending, 0, sizeof(ending));
    machine_run(perform, &performance);
    return ending.outcome;
}

void play_and_expect(const char *name, struct probe *probe, const char *log)
{
    enum outcome outcome = play(name, probe);

    if (outcome != RETURNED)
        fail_msg("%s: outcome %d, exception %08x at %p, bug check %x: %s", name, outcome,
                 ending.record.ExceptionCode, ending.record.ExceptionAddress, ending.code, ending.sentence);
    assert_string_equal(probe->log, log);
}

void *page_of_nothing(void)
{
    return hmem_reserve(HMEM_USER, 1, 1, 0);
}
