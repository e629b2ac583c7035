/* SPDX-License-Identifier: MIT */
/*
 * The trap fallback: a fault is looked at before it becomes an exception. What
 * was replaced by a trap is in the image's table; what was never found as code
 * is decoded where it stands; device memory and KUSER_SHARED_DATA are
 * recognized by the address. Runs as ordinary code on the NT stack.
 */
#include "arch/x86_64/rewrite_internal.h"
#include "host/memory.h"
#include "nt/status.h"

static const struct rewrite_trap *find_trap(const struct arch_image *image, ULONG64 rip)
{
    const struct rewrite_state *state = image->rewrite;
    ULONG rva = (ULONG)(rip - image->base), low = 0, high;

    if (state == NULL || rip - image->base >= image->size)
        return NULL;
    for (high = state->trap_count; low < high;) {
        ULONG middle = low + (high - low) / 2;
        if (state->traps[middle].rva < rva)
            low = middle + 1;
        else
            high = middle;
    }
    return low < state->trap_count && state->traps[low].rva == rva ? &state->traps[low] : NULL;
}

/* The instruction's bytes, as many as can be read: it may end right before an inaccessible page. */
static size_t fetch(ULONG64 rip, UCHAR bytes[ZYDIS_MAX_INSTRUCTION_LENGTH])
{
    size_t first = MIN(PAGE_SIZE - (rip & PAGE_MASK), (size_t)ZYDIS_MAX_INSTRUCTION_LENGTH);

    if (!NT_SUCCESS(arch_copy_guarded(bytes, (const void *)rip, first)))
        return 0;
    if (first < ZYDIS_MAX_INSTRUCTION_LENGTH &&
        NT_SUCCESS(arch_copy_guarded(bytes + first, (const void *)(rip + first),
                                     ZYDIS_MAX_INSTRUCTION_LENGTH - first)))
        return ZYDIS_MAX_INSTRUCTION_LENGTH;
    return first;
}

static bool execute(const struct rewrite_op *op, CONTEXT *context)
{
    ULONG64 flags = context->EFlags;

    if (!rewrite_execute(op, &context->Rax, &flags))
        return false;
    context->EFlags = (ULONG)flags;
    context->Rip += op->length;
    return true;
}

/* A refused string instruction: the fault is the driver's buffer, not the privilege. */
static void blame_buffer(const struct rewrite_op *op, EXCEPTION_RECORD *record, const CONTEXT *context)
{
    ULONG64 scratch;

    if (op->kind == REWRITE_INS && rewrite_space_read(context->Rdi, &scratch, op->width, NULL))
        rewrite_space_write(context->Rdi, &scratch, op->width, record);
    else if (op->kind == REWRITE_INS || op->kind == REWRITE_OUTS)
        rewrite_space_read(op->kind == REWRITE_INS ? context->Rdi : context->Rsi, &scratch, op->width,
                           record);
    if (op->kind == REWRITE_INS && record->ExceptionCode == STATUS_ACCESS_VIOLATION)
        record->ExceptionInformation[0] = EXCEPTION_WRITE_FAULT;
}

static bool emulate_privileged(const struct rewrite_op *op, EXCEPTION_RECORD *record, CONTEXT *context)
{
    if (execute(op, context))
        return true;
    blame_buffer(op, record, context);
    return false;
}

static bool is_special_address(const EXCEPTION_RECORD *record)
{
    ULONG64 address = record->ExceptionInformation[1], pa;

    if (record->ExceptionCode != STATUS_ACCESS_VIOLATION || record->NumberParameters < 2 ||
        record->ExceptionInformation[0] == EXCEPTION_EXECUTE_FAULT)
        return false;
    return address - KUSER_BASE < PAGE_SIZE || hmem_is_mmio((const void *)address, &pa);
}

/* A device's memory was put there between the access and now: it is tried again. */
static bool has_become_memory(const EXCEPTION_RECORD *record)
{
    if (record->ExceptionCode != STATUS_ACCESS_VIOLATION || record->NumberParameters < 2)
        return false;
    return hmem_is_open_window((const void *)record->ExceptionInformation[1],
                               record->ExceptionInformation[0] == EXCEPTION_WRITE_FAULT  ? HMEM_W
                               : record->ExceptionInformation[0] == EXCEPTION_READ_FAULT ? HMEM_R
                                                                                         : HMEM_X);
}

bool rewrite_emulate(EXCEPTION_RECORD *record, CONTEXT *context)
{
    struct arch_image *image = arch_image_find(context->Rip);
    const struct rewrite_trap *trap = image != NULL ? find_trap(image, context->Rip) : NULL;
    UCHAR bytes[ZYDIS_MAX_INSTRUCTION_LENGTH];
    struct rewrite_insn insn;
    struct rewrite_op op;
    size_t length;

    if (trap != NULL)
        return trap->op.kind != REWRITE_REFUSED && emulate_privileged(&trap->op, record, context);
    if (has_become_memory(record))
        return true;
    length = fetch(context->Rip, bytes);
    if (length == 0 || !rewrite_decode(&insn, bytes, length))
        return false;
    if (is_special_address(record))
        return rewrite_emulate_memory(&insn, record, context);
    if (image == NULL || !rewrite_needs_patch(rewrite_classify(&op, &insn, context->Rip), true))
        return false;
    return op.kind != REWRITE_REFUSED && emulate_privileged(&op, record, context);
}
