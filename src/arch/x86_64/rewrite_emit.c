/* SPDX-License-Identifier: MIT */
/*
 * Thunks. Each instruction of a window becomes a piece: a site's piece asks
 * the machine, any other is the instruction itself with its relative parts
 * corrected. The map gets an entry for each piece, so that an address in a
 * thunk is that of the original instruction to the unwinder. Behind the last
 * piece: the jump back, then what a refused site falls back to, then the
 * sites' descriptors.
 */
#include "arch/x86_64/rewrite_internal.h"
#include "arch/x86_64/rewrite_stub.h"
#include "nt/pcr.h"

#define MAX_SITES 9 /* as many as a window has instructions */

struct thunk {
    struct emitter *emitter;
    const struct code_window *window;
    struct {
        struct rewrite_op op;
        ULONG rva, call_end, resume; /* the stub call's return offset; where the site is done */
        struct rewrite_insn insn;
    } sites[MAX_SITES];
    unsigned site_count;
};

static ULONG64 thunk_address(const struct emitter *emitter, ULONG offset)
{
    return emitter->state->thunk_base + offset;
}

static ULONG64 image_address(const struct emitter *emitter, ULONG64 rva)
{
    return emitter->state->image_base + rva;
}

static void put(struct emitter *emitter, const void *bytes, unsigned length)
{
    __builtin_memcpy(emitter->bytes + emitter->used, bytes, length);
    emitter->used += length;
}

static void put_byte(struct emitter *emitter, unsigned byte)
{
    emitter->bytes[emitter->used++] = (UCHAR)byte;
}

static void put_long(struct emitter *emitter, ULONG64 value)
{
    ULONG low = (ULONG)value;

    put(emitter, &low, sizeof(low));
}

/* An opcode that ends in a 32-bit displacement to an absolute address. */
static void put_relative(struct emitter *emitter, const UCHAR *opcode, unsigned length, ULONG64 target)
{
    put(emitter, opcode, length);
    put_long(emitter, target - thunk_address(emitter, emitter->used + 4));
}

static void put_jump(struct emitter *emitter, ULONG64 target)
{
    put_relative(emitter, (const UCHAR[]){0xE9}, 1, target);
}

static void note_entry(struct emitter *emitter, ULONG rva, ULONG resumable)
{
    RL_ASSERT(emitter->entry_count < emitter->entry_limit);
    emitter->entries[emitter->entry_count++] = (struct rewrite_map){emitter->used, rva, resumable};
}

static void note(struct emitter *emitter, ULONG rva)
{
    note_entry(emitter, rva, 0);
}

static ULONG64 target_of(const struct emitter *emitter, const struct rewrite_insn *insn, ULONG rva)
{
    return image_address(emitter, (ULONG64)rva + insn->info.length + (ULONG64)insn->info.raw.imm[0].value.s);
}

/* loop, loope, loopne, jrcxz have only a short form: jump over a jump. */
static void put_short_branch(struct emitter *emitter, const struct rewrite_insn *insn, const UCHAR *original,
                             ULONG64 target)
{
    put(emitter, original, insn->info.length - 1u);
    put(emitter, (const UCHAR[]){0x02, 0xEB, 0x05}, 3);
    put_jump(emitter, target);
}

static void put_branch(struct emitter *emitter, const struct rewrite_insn *insn, const UCHAR *original,
                       ULONG rva)
{
    ULONG64 target = target_of(emitter, insn, rva);
    UCHAR opcode = insn->info.opcode;

    if (insn->info.meta.category == ZYDIS_CATEGORY_CALL)
        put_relative(emitter, (const UCHAR[]){0xE8}, 1, target);
    else if (insn->info.meta.category == ZYDIS_CATEGORY_UNCOND_BR)
        put_jump(emitter, target);
    else if (opcode >= 0xE0 && opcode <= 0xE3)
        put_short_branch(emitter, insn, original, target);
    else /* jcc: 70+cc rel8 or 0F 80+cc rel32 */
        put_relative(emitter, (const UCHAR[]){0x0F, (UCHAR)(0x80 | (opcode & 0xF))}, 2, target);
}

static bool is_rip_relative(const struct rewrite_insn *insn)
{
    return (insn->info.attributes & ZYDIS_ATTRIB_IS_RELATIVE) && insn->info.raw.disp.size == 32 &&
           insn->info.raw.modrm.mod == 0 && insn->info.raw.modrm.rm == 5;
}

static void put_moved(struct emitter *emitter, const struct rewrite_insn *insn, ULONG rva)
{
    const UCHAR *original = code_bytes(emitter->map->input, rva);
    ULONG start = emitter->used;
    LONG displacement;

    if (insn->info.raw.imm[0].is_relative) {
        put_branch(emitter, insn, original, rva);
        return;
    }
    put(emitter, original, insn->info.length);
    if (!is_rip_relative(insn))
        return;
    displacement = (LONG)(insn->info.raw.disp.value +
                          (LONG64)(image_address(emitter, rva) - thunk_address(emitter, start)));
    __builtin_memcpy(emitter->bytes + start + insn->info.raw.disp.offset, &displacement,
                     sizeof(displacement));
}

/*
 * call *[stub pointer]; nopl descriptor(%rax,%rax): the stub finds the descriptor through the displacement of
 * the no-op behind its return address, which is filled in when the descriptor's place is known.
 */
static void put_stub_call(struct thunk *thunk, const struct rewrite_op *op, const struct rewrite_insn *insn,
                          ULONG rva)
{
    struct emitter *emitter = thunk->emitter;
    unsigned site = thunk->site_count++;

    RL_ASSERT(site < MAX_SITES);
    put_relative(emitter, (const UCHAR[]){0xFF, 0x15}, 2, thunk_address(emitter, 0));
    thunk->sites[site].op = *op;
    thunk->sites[site].rva = rva;
    thunk->sites[site].call_end = emitter->used;
    thunk->sites[site].insn = *insn;
    put(emitter, (const UCHAR[]){0x0F, 0x1F, 0x84, 0x00, 0, 0, 0, 0}, 8);
}

/* movzbl %gs:IRQL, %reg */
static void put_read_irql(struct emitter *emitter, unsigned reg)
{
    put_byte(emitter, 0x65);
    if (reg >= 8)
        put_byte(emitter, 0x44);
    put(emitter, (const UCHAR[]){0x0F, 0xB6, (UCHAR)((reg & 7) << 3 | 4), 0x25}, 4);
    put_long(emitter, offsetof(KPCR, Irql));
}

static void put_irql_op(struct emitter *emitter, unsigned opcode, unsigned reg)
{
    put(emitter,
        (const UCHAR[]){0x65, (UCHAR)(reg >= 8 ? 0x44 : 0x40), (UCHAR)opcode, (UCHAR)((reg & 7) << 3 | 4),
                        0x25},
        5);
    put_long(emitter, offsetof(KPCR, Irql));
}

/* A forward branch over what is emitted before land() is called with its result. */
static ULONG put_skip(struct emitter *emitter, unsigned opcode)
{
    put(emitter, (const UCHAR[]){(UCHAR)opcode, 0}, 2);
    return emitter->used;
}

static void land(struct emitter *emitter, ULONG skip)
{
    emitter->bytes[skip - 1] = (UCHAR)(emitter->used - skip);
}

/* cmpl $0, %gs:pending */
static void put_test_pending(struct emitter *emitter)
{
    put(emitter, (const UCHAR[]){0x65, 0x83, 0x3C, 0x25}, 4);
    put_long(emitter, rewrite_targets.pending_offset);
    put_byte(emitter, 0);
}

/*
 * Raising is a store. Lowering is a store too while nothing is pending; else the stub does what the IRQL held
 * back. Between the instructions the thread may move to another processor: the IRQL moves with it below
 * DISPATCH_LEVEL, and whatever was pending has been looked at by the switch.
 */
static void put_write_irql(struct thunk *thunk, const struct rewrite_op *op, const struct rewrite_insn *insn,
                           ULONG rva)
{
    enum { CMP = 0x38, MOV = 0x88, JA = 0x77, JE = 0x74, JMP = 0xEB };
    struct emitter *emitter = thunk->emitter;
    ULONG lowering, raised, idle = 0;

    if (!emitter->map->input->inline_irql) {
        put_stub_call(thunk, op, insn, rva);
        return;
    }
    put_irql_op(emitter, CMP, op->reg);
    lowering = put_skip(emitter, JA);
    put_irql_op(emitter, MOV, op->reg);
    raised = put_skip(emitter, JMP);
    land(emitter, lowering);
    if (rewrite_targets.pending_offset != 0) {
        put_irql_op(emitter, MOV, op->reg);
        put_test_pending(emitter);
        idle = put_skip(emitter, JE);
    }
    put_stub_call(thunk, op, insn, rva);
    land(emitter, raised);
    if (idle != 0)
        land(emitter, idle);
}

static void put_site(struct thunk *thunk, struct rewrite_op *op, const struct rewrite_insn *insn, ULONG rva)
{
    struct emitter *emitter = thunk->emitter;
    bool cr8 = op->number == 8;

    op->deterministic = emitter->map->input->deterministic;
    if (op->kind == REWRITE_CR_READ && cr8) {
        put_read_irql(emitter, op->reg);
    } else if (op->kind == REWRITE_CR_WRITE && cr8) {
        put_write_irql(thunk, op, insn, rva);
    } else if (op->kind == REWRITE_PUSHF) {
        put(emitter, code_bytes(emitter->map->input, rva), insn->info.length);
        note(emitter, rva + insn->info.length); /* the stack is as behind the instruction */
        op->kind = REWRITE_PUSHF_FIX;
        put_stub_call(thunk, op, insn, rva);
    } else if (op->kind == REWRITE_POPF) {
        op->kind = REWRITE_POPF_PRE;
        put_stub_call(thunk, op, insn, rva);
        put(emitter, code_bytes(emitter->map->input, rva), insn->info.length);
    } else {
        put_stub_call(thunk, op, insn, rva);
    }
}

static void put_piece(struct thunk *thunk, const struct rewrite_insn *insn, ULONG rva)
{
    struct emitter *emitter = thunk->emitter;
    unsigned before = thunk->site_count;
    struct rewrite_op op;
    enum rewrite_kind kind = rewrite_classify(&op, insn, image_address(emitter, rva));

    note_entry(emitter, rva, 1);
    if (rewrite_needs_patch(kind, emitter->map->input->deterministic))
        put_site(thunk, &op, insn, rva);
    else
        put_moved(emitter, insn, rva);
    if (thunk->site_count != before)
        thunk->sites[before].resume = emitter->used;
}

/* The refused instruction itself: it faults at an address that stands for the original one. */
static void put_fallback(struct thunk *thunk, unsigned site, ULONG *fallback)
{
    struct emitter *emitter = thunk->emitter;
    ULONG rva = thunk->sites[site].rva;

    *fallback = emitter->used;
    note(emitter, rva);
    put_moved(emitter, &thunk->sites[site].insn, rva);
    note(emitter, rva + thunk->sites[site].insn.info.length);
    put_jump(emitter, thunk_address(emitter, thunk->sites[site].resume));
}

static void put_descriptor(struct thunk *thunk, unsigned site, ULONG fallback)
{
    struct emitter *emitter = thunk->emitter;
    struct rewrite_site descriptor = {.op = thunk->sites[site].op};
    ULONG call_end = thunk->sites[site].call_end;
    LONG distance;

    descriptor.fallback = (LONG)(fallback - call_end);
    emitter->used = (ULONG)ALIGN_UP(emitter->used, 8);
    distance = (LONG)(emitter->used - call_end);
    __builtin_memcpy(emitter->bytes + call_end + 4, &distance, sizeof(distance));
    put(emitter, &descriptor, sizeof(descriptor));
}

static bool falls_through(const struct rewrite_insn *insn)
{
    return insn->info.meta.category != ZYDIS_CATEGORY_RET &&
           insn->info.meta.category != ZYDIS_CATEGORY_UNCOND_BR;
}

ULONG emit_thunk(struct emitter *emitter, const struct code_window *window)
{
    struct thunk thunk = {.emitter = emitter, .window = window};
    ULONG start = emitter->used = (ULONG)ALIGN_UP(emitter->used, 16);
    ULONG fallbacks[MAX_SITES];
    struct rewrite_insn insn = {0}; /* a window is never empty */

    for (ULONG rva = window->start; rva < window->code_end; rva += insn.info.length) {
        RL_ASSERT(rewrite_decode(&insn, code_bytes(emitter->map->input, rva), window->code_end - rva));
        put_piece(&thunk, &insn, rva);
    }
    if (falls_through(&insn)) {
        note(emitter, window->code_end);
        put_jump(emitter, image_address(emitter, window->code_end));
    }
    for (unsigned i = 0; i < thunk.site_count; i++)
        put_fallback(&thunk, i, &fallbacks[i]);
    for (unsigned i = 0; i < thunk.site_count; i++)
        put_descriptor(&thunk, i, fallbacks[i]);
    RL_ASSERT(emitter->used - start <= THUNK_LIMIT && emitter->used <= emitter->limit);
    return start;
}
