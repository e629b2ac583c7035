/* SPDX-License-Identifier: MIT */
/*
 * The virtual unwinder: replays the unwind codes of a function (.xdata) on a
 * context. Stack memory that cannot be read ends it; so does unwind data that
 * points outside its image.
 */
#include "arch/x86_64/unwind.h"

#define CHAIN_LIMIT 32

struct unwinder {
    const struct arch_image *image; /* NULL: not one of ours, trust the caller */
    ULONG64 base, frame;
    CONTEXT *context;
    KNONVOLATILE_CONTEXT_POINTERS *pointers;
    bool machine_frame, failed;
};

static const void *at_rva(const struct unwinder *u, ULONG64 rva, ULONG64 bytes)
{
    if (u->image && (rva > u->image->size || bytes > u->image->size - rva))
        return NULL;
    return (const void *)(u->base + rva);
}

static const UNWIND_INFO *info_of(const struct unwinder *u, const RUNTIME_FUNCTION *function)
{
    const UNWIND_INFO *info = at_rva(u, function->UnwindData & ~3u, 4);

    return info && at_rva(u, function->UnwindData & ~3u, 8 + 2 * (ULONG64)info->CountOfCodes) ? info : NULL;
}

/* An entry may stand for another one's unwind data. */
static const RUNTIME_FUNCTION *resolve(const struct unwinder *u, const RUNTIME_FUNCTION *function)
{
    if (function && function->UnwindData & RUNTIME_FUNCTION_INDIRECT)
        return at_rva(u, function->UnwindData & ~3u, sizeof(*function));
    return function;
}

/* What follows the codes, which take an even number of slots. */
static const void *after_codes(const UNWIND_INFO *info)
{
    return &info->UnwindCode[(info->CountOfCodes + 1) & ~1];
}

static void load_register(struct unwinder *u, unsigned number, ULONG64 address)
{
    if (!guarded_read64(context_register(u->context, number), address))
        u->failed = true;
    if (u->pointers)
        u->pointers->IntegerContext[number] = (ULONG64 *)address;
}

static void load_xmm(struct unwinder *u, unsigned number, ULONG64 address)
{
    if (!guarded_read(&u->context->Xmm0 + number, address, sizeof(M128A)))
        u->failed = true;
    if (u->pointers)
        u->pointers->FloatingContext[number] = (M128A *)address;
}

static void pop_machine_frame(struct unwinder *u, bool error_code)
{
    ULONG64 at = u->context->Rsp + (error_code ? 8 : 0);

    if (!guarded_read64(&u->context->Rip, at) || !guarded_read64(&u->context->Rsp, at + 24))
        u->failed = true;
    u->machine_frame = true;
    u->context->ContextFlags &= ~(ULONG)CONTEXT_UNWOUND_TO_CALL;
}

static ULONG read32(const UNWIND_CODE *code)
{
    return code[1].FrameOffset | (ULONG)code[2].FrameOffset << 16;
}

static unsigned slots_of(const UNWIND_CODE *code)
{
    switch (code->UnwindOp) {
    case UWOP_ALLOC_LARGE:
        return code->OpInfo ? 3 : 2;
    case UWOP_SAVE_NONVOL:
    case UWOP_SAVE_XMM128:
        return 2;
    case UWOP_SAVE_NONVOL_FAR:
    case UWOP_SAVE_XMM128_FAR:
    case UWOP_SPARE_CODE:
        return 3;
    default:
        return 1;
    }
}

static void undo(struct unwinder *u, const UNWIND_INFO *info, const UNWIND_CODE *code)
{
    CONTEXT *context = u->context;

    switch (code->UnwindOp) {
    case UWOP_PUSH_NONVOL:
        load_register(u, code->OpInfo, context->Rsp);
        context->Rsp += 8;
        break;
    case UWOP_ALLOC_LARGE:
        context->Rsp += code->OpInfo ? read32(code) : (ULONG64)code[1].FrameOffset * 8;
        break;
    case UWOP_ALLOC_SMALL:
        context->Rsp += (ULONG64)code->OpInfo * 8 + 8;
        break;
    case UWOP_SET_FPREG:
        context->Rsp = *context_register(context, info->FrameRegister) - (ULONG64)info->FrameOffset * 16;
        break;
    case UWOP_SAVE_NONVOL:
        load_register(u, code->OpInfo, u->frame + (ULONG64)code[1].FrameOffset * 8);
        break;
    case UWOP_SAVE_NONVOL_FAR:
        load_register(u, code->OpInfo, u->frame + read32(code));
        break;
    case UWOP_SAVE_XMM128:
        load_xmm(u, code->OpInfo, u->frame + (ULONG64)code[1].FrameOffset * 16);
        break;
    case UWOP_SAVE_XMM128_FAR:
        load_xmm(u, code->OpInfo, u->frame + read32(code));
        break;
    case UWOP_PUSH_MACHFRAME:
        pop_machine_frame(u, code->OpInfo);
        break;
    default: /* UWOP_EPILOG describes, and changes nothing */
        break;
    }
}

/* Undoes what the prologue had done when the offset was reached. */
static void undo_codes(struct unwinder *u, const UNWIND_INFO *info, ULONG64 offset)
{
    for (unsigned i = 0; i < info->CountOfCodes && !u->failed;) {
        const UNWIND_CODE *code = &info->UnwindCode[i];
        unsigned slots = slots_of(code);
        if (i + slots > info->CountOfCodes) {
            u->failed = true;
            return;
        }
        if (code->UnwindOp != UWOP_EPILOG && offset >= code->CodeOffset)
            undo(u, info, code);
        i += slots;
    }
}

/* The frame pointer counts once the prologue has set it. */
static ULONG64 establisher_of(const UNWIND_INFO *info, ULONG64 offset, CONTEXT *context)
{
    bool set = offset >= info->SizeOfProlog || info->Flags & UNW_FLAG_CHAININFO;

    if (!info->FrameRegister)
        return context->Rsp;
    for (unsigned i = 0; !set && i < info->CountOfCodes; i += slots_of(&info->UnwindCode[i]))
        set = info->UnwindCode[i].UnwindOp == UWOP_SET_FPREG && offset >= info->UnwindCode[i].CodeOffset;
    return set ? *context_register(context, info->FrameRegister) - (ULONG64)info->FrameOffset * 16
               : context->Rsp;
}

/* The codes of the entries that a chained one continues; returns the primary's information. */
static const UNWIND_INFO *undo_chain(struct unwinder *u, const UNWIND_INFO *info)
{
    for (unsigned i = 0; info->Flags & UNW_FLAG_CHAININFO; i++) {
        const RUNTIME_FUNCTION *parent = resolve(u, after_codes(info));
        info = parent && i < CHAIN_LIMIT ? info_of(u, parent) : NULL;
        if (!info) {
            u->failed = true;
            return NULL;
        }
        undo_codes(u, info, ~0ull);
    }
    return info;
}

static void find_handler(const struct unwinder *u, const UNWIND_INFO *primary, ULONG type,
                         struct unwound *out)
{
    const ULONG *handler = after_codes(primary);

    if (primary->Flags & type & (UNW_FLAG_EHANDLER | UNW_FLAG_UHANDLER)) {
        out->handler = (EXCEPTION_ROUTINE *)at_rva(u, *handler, 1);
        out->handler_data = (void *)(handler + 1);
    }
}

static bool pop_return_address(struct unwinder *u)
{
    if (u->failed)
        return false;
    if (u->machine_frame)
        return true;
    return unwind_leaf(u->context);
}

bool unwind_leaf(CONTEXT *context)
{
    if (!guarded_read64(&context->Rip, context->Rsp))
        return false;
    context->Rsp += 8;
    context->ContextFlags |= CONTEXT_UNWOUND_TO_CALL;
    return true;
}

bool virtual_unwind(ULONG handler_type, ULONG64 base, ULONG64 pc, const RUNTIME_FUNCTION *function,
                    CONTEXT *context, struct unwound *out, KNONVOLATILE_CONTEXT_POINTERS *pointers)
{
    struct unwinder u = {
        .image = arch_image_find(base), .base = base, .context = context, .pointers = pointers};
    ULONG64 offset = pc - base - function->BeginAddress;

    function = resolve(&u, function);
    const UNWIND_INFO *info = function ? info_of(&u, function) : NULL;
    if (!info)
        return false;
    u.frame = establisher_of(info, offset, context);
    *out = (struct unwound){.establisher = u.frame};
    if (offset >= info->SizeOfProlog &&
        epilogue_finish(u.image, pc, function, info, context, pointers, &u.failed))
        return !u.failed;

    undo_codes(&u, info, offset);
    const UNWIND_INFO *primary = u.failed ? NULL : undo_chain(&u, info);
    if (primary && offset >= info->SizeOfProlog)
        find_handler(&u, primary, handler_type, out);
    return pop_return_address(&u);
}
