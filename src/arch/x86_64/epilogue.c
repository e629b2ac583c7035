/* SPDX-License-Identifier: MIT */
/*
 * Epilogues. The x64 rules allow one form only: `add rsp` or `lea rsp`, then
 * pops, then a return or a tail jump. If that is what lies at pc, it is run on
 * the context instead of the unwind codes. Code is read guarded: its page may
 * have been discarded.
 */
#include "arch/x86_64/unwind.h"

#define REX_W      8
#define REX_B      1
#define CODE_BYTES 48 /* the longest: 8, 16 pops of 2, and the jump */
#define POPS       16

struct epilogue {
    UCHAR code[CODE_BYTES];
    size_t length; /* of what could be read */
    size_t at;
    const UNWIND_INFO *info;
    bool from_frame; /* lea: rsp is computed from the frame register */
    LONG adjust;
    unsigned pop_count;
    UCHAR pops[POPS];
};

static size_t read_code(UCHAR *to, ULONG64 pc)
{
    size_t to_page_end = PAGE_SIZE - pc % PAGE_SIZE;

    if (guarded_read(to, pc, CODE_BYTES))
        return CODE_BYTES;
    return to_page_end < CODE_BYTES && guarded_read(to, pc, to_page_end) ? to_page_end : 0;
}

static bool has(const struct epilogue *e, size_t bytes)
{
    return e->at + bytes <= e->length;
}

static LONG displacement(const UCHAR *code, unsigned bytes)
{
    LONG value = (int8_t)code[0];

    if (bytes == 4)
        __builtin_memcpy(&value, code, 4);
    return value;
}

/* 48 83 C4 ib | 48 81 C4 id */
static bool skip_add_rsp(struct epilogue *e)
{
    const UCHAR *code = e->code + e->at;

    if (!has(e, 4) || code[0] != 0x48 || (code[1] != 0x83 && code[1] != 0x81) || code[2] != 0xC4)
        return false;
    unsigned bytes = code[1] == 0x83 ? 1 : 4;
    if (!has(e, 3 + bytes))
        return false;
    e->adjust = displacement(code + 3, bytes);
    e->at += 3 + bytes;
    return true;
}

/* lea rsp, [frame register + displacement] */
static void skip_lea_rsp(struct epilogue *e)
{
    const UCHAR *code = e->code + e->at;

    if (!e->info->FrameRegister || !has(e, 4) || (code[0] & 0xFE) != (0x40 | REX_W) || code[1] != 0x8D)
        return;
    UCHAR modrm = code[2];
    unsigned reg = (modrm & 7) | (code[0] & REX_B) << 3;
    unsigned mode = modrm >> 6;
    unsigned bytes = mode == 1 ? 1 : 4;
    unsigned sib = (modrm & 7) == 4; /* r12 as the base needs one */
    if ((mode != 1 && mode != 2) || (modrm >> 3 & 7) != 4 || reg != e->info->FrameRegister ||
        !has(e, 3 + sib + bytes))
        return;
    e->from_frame = true;
    e->adjust = displacement(code + 3 + sib, bytes);
    e->at += 3 + sib + bytes;
}

/* [41] 58+r */
static bool skip_pop(struct epilogue *e)
{
    const UCHAR *code = e->code + e->at;
    unsigned prefix = has(e, 2) && code[0] >= 0x40 && code[0] <= 0x4F;

    if (!has(e, prefix + 1) || (code[prefix] & 0xF8) != 0x58 || e->pop_count == POPS)
        return false;
    e->pops[e->pop_count++] = (UCHAR)((code[prefix] & 7) | (prefix ? (code[0] & REX_B) << 3 : 0));
    e->at += prefix + 1;
    return true;
}

/* A jump within the function is a branch, not a tail call; one to a patch thunk stands for the bytes it
 * replaced. */
static bool jump_leaves(const struct arch_image *image, const RUNTIME_FUNCTION *function,
                        const UNWIND_INFO *info, ULONG64 target)
{
    ULONG64 rva = target - image->base;

    if (target - image->thunk_base < image->thunk_size)
        return false;
    if (rva == function->BeginAddress)
        return !(info->Flags & UNW_FLAG_CHAININFO);
    return rva < function->BeginAddress || rva >= function->EndAddress;
}

static bool ends(const struct epilogue *e, const struct arch_image *image, const RUNTIME_FUNCTION *function,
                 ULONG64 pc)
{
    const UCHAR *code = e->code + e->at;
    ULONG64 next = pc + e->at;

    if (has(e, 1) && (code[0] == 0xC3 || code[0] == 0xC2))
        return true;
    if (has(e, 2) && code[0] == 0xF3 && code[1] == 0xC3)
        return true;
    if (has(e, 2) && code[0] == 0xEB)
        return image &&
               jump_leaves(image, function, e->info, next + 2 + (ULONG64)(LONG64)displacement(code + 1, 1));
    if (has(e, 5) && code[0] == 0xE9)
        return image &&
               jump_leaves(image, function, e->info, next + 5 + (ULONG64)(LONG64)displacement(code + 1, 4));
    if (has(e, 2) && code[0] == 0xFF && code[1] == 0x25)
        return true;
    /* A jump through a register or memory is a tail call only with REX.W; without it, it is a jump table's.
     */
    return has(e, 3) && (code[0] & 0xF8) == (0x40 | REX_W) && code[1] == 0xFF && (code[2] >> 3 & 7) == 4;
}

static bool run(const struct epilogue *e, CONTEXT *context, KNONVOLATILE_CONTEXT_POINTERS *pointers)
{
    ULONG64 start = e->from_frame ? *context_register(context, e->info->FrameRegister) : context->Rsp;

    context->Rsp = start + (ULONG64)(LONG64)e->adjust;
    for (unsigned i = 0; i < e->pop_count; i++) {
        if (!guarded_read64(context_register(context, e->pops[i]), context->Rsp))
            return false;
        if (pointers)
            pointers->IntegerContext[e->pops[i]] = (ULONG64 *)context->Rsp;
        context->Rsp += 8;
    }
    return unwind_leaf(context);
}

bool epilogue_finish(const struct arch_image *image, ULONG64 pc, const RUNTIME_FUNCTION *function,
                     const UNWIND_INFO *info, CONTEXT *context, KNONVOLATILE_CONTEXT_POINTERS *pointers,
                     bool *failed)
{
    struct epilogue e;

    e.length = read_code(e.code, pc);
    e.at = 0;
    e.info = info;
    e.from_frame = false;
    e.adjust = 0;
    e.pop_count = 0;
    if (!skip_add_rsp(&e))
        skip_lea_rsp(&e);
    while (skip_pop(&e))
        ;
    if (!ends(&e, image, function, pc))
        return false;
    *failed = !run(&e, context, pointers);
    return true;
}
