/* SPDX-License-Identifier: MIT */
/*
 * The C side of the stub: an entry record for the unwinder, the operation, and
 * the way out when the machine refuses.
 */
#include "arch/x86_64/rewrite_stub.h"

#include <cpuid.h>

ULONG rewrite_vector_state;

/* Named in reports as what stands between a driver's instruction and the runtime. */
static const struct export_entry stub_entry = {
    "machine", "instruction", rewrite_stub, PASSIVE_LEVEL, HIGH_LEVEL, 0, 0};

/* AVX and AVX-512 state, where the processor has xsavec and can say which of it is in use. */
__attribute__((constructor)) static void find_vector_state(void)
{
    enum { OSXSAVE = 1 << 27, XSAVEC = 1 << 1, XINUSE = 1 << 2, WANTED = 0xE7 };
    ULONG a, b, c, d, xcr0;

    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & OSXSAVE) || !__get_cpuid_count(0xD, 1, &a, &b, &c, &d) ||
        (a & (XSAVEC | XINUSE)) != (XSAVEC | XINUSE))
        return;
    __asm__("xgetbv" : "=a"(xcr0) : "c"(0) : "edx");
    rewrite_vector_state = xcr0 & WANTED;
}

static void link_record(struct arch_thread *thread, struct arch_record *record,
                        const struct rewrite_frame *frame)
{
    const ULONG64 *r = frame->registers;

    record->previous = thread->records;
    record->type = ARCH_RECORD_TRAP;
    record->rip = frame->rip;
    record->rsp = r[4];
    record->rbx = r[3];
    record->rbp = r[5];
    record->rsi = r[6];
    record->rdi = r[7];
    record->r12 = r[12];
    record->r13 = r[13];
    record->r14 = r[14];
    record->r15 = r[15];
    record->entry = &stub_entry;
    thread->records = record;
}

/* The no-op behind the call carries the distance to the descriptor in its displacement. */
static const struct rewrite_site *site_of(const struct rewrite_frame *frame)
{
    LONG distance;

    __builtin_memcpy(&distance, (const void *)(frame->rip + 4), sizeof(distance));
    return (const void *)(frame->rip + (ULONG64)(LONG64)distance);
}

void NTAPI rewrite_stub_body(struct rewrite_frame *frame, struct arch_record *record)
{
    const struct rewrite_site *site = site_of(frame);
    struct arch_thread *thread = arch_ops.current != NULL ? arch_ops.current() : NULL;
    bool done;

    if (thread != NULL)
        link_record(thread, record, frame);
    done = rewrite_execute(&site->op, frame->registers, &frame->flags);
    if (thread != NULL) {
        if (done && arch_ops.emulated != NULL)
            arch_ops.emulated();
        thread->records = record->previous;
    }
    if (!done)
        frame->rip += (ULONG64)(LONG64)site->fallback;
}
