/* SPDX-License-Identifier: MIT */
/*
 * Rewriting an image: discover the code, give each site a jump to a thunk or a
 * trap, put the real page into KUSER_SHARED_DATA immediates. The image is
 * still read-write; the thunks become executable when they are complete.
 */
#include "arch/x86_64/rewrite_stub.h"
#include "host/memory.h"

#define BYTES_PER_SITE 320u
#define REACH          0x7FF00000ull
#define OPCODE_HLT     0xF4

struct rewrite_targets rewrite_targets;

struct patcher {
    struct rewrite_state *state;
    const struct rewrite_input *input;
    struct code_map map;
    struct emitter emitter;
    struct rewrite_trap *traps;
    ULONG trap_limit;
};

static bool within_reach(ULONG64 a, ULONG64 b)
{
    return a - b < REACH || b - a < REACH;
}

/* Pages for the thunks within reach of a jump; an image at a fixed base looks for room around itself. */
static void *reserve_thunks(const struct rewrite_input *input, size_t pages)
{
    ULONG64 base = (uintptr_t)input->base;
    void *thunks = hmem_reserve(HMEM_IMAGE, pages, 1, 0);

    if (thunks != NULL && within_reach((uintptr_t)thunks, base) &&
        within_reach((uintptr_t)thunks, base + input->size))
        return thunks;
    if (thunks != NULL)
        hmem_release(thunks, pages);
    for (ULONG64 step = 1; step <= 64; step++) {
        ULONG64 above = ALIGN_UP(base + input->size, 0x10000) + step * 0x100000;
        if (NT_SUCCESS(hmem_reserve_at((void *)above, pages)))
            return (void *)above;
        if (base > step * 0x1000000 && NT_SUCCESS(hmem_reserve_at((void *)(base - step * 0x1000000), pages)))
            return (void *)(base - step * 0x1000000);
    }
    return NULL;
}

/* Without room for thunks every site becomes a trap: slower, not wrong. */
static bool prepare_thunks(struct patcher *patcher, ULONG sites)
{
    struct emitter *emitter = &patcher->emitter;
    size_t pages = (sites * (size_t)BYTES_PER_SITE + 2 * THUNK_LIMIT + PAGE_MASK) >> PAGE_SHIFT;
    void *thunks = reserve_thunks(patcher->input, pages);
    void (*stub)(void) = rewrite_stub;

    if (thunks == NULL)
        return true;
    if (!NT_SUCCESS(hmem_commit(thunks, pages, HMEM_RW))) {
        hmem_release(thunks, pages);
        return true;
    }
    patcher->state->thunk_base = (uintptr_t)thunks;
    patcher->state->thunk_pages = pages;
    emitter->bytes = thunks;
    emitter->limit = (ULONG)(pages << PAGE_SHIFT);
    emitter->entry_limit = sites * 14 + 128;
    emitter->entries = arena_alloc(patcher->input->arena, emitter->entry_limit * sizeof(*emitter->entries));
    __builtin_memcpy(emitter->bytes, &stub, sizeof(stub));
    emitter->used = sizeof(stub);
    return emitter->entries != NULL;
}

static UCHAR *code(const struct patcher *patcher, ULONG rva)
{
    return (UCHAR *)patcher->input->base + rva;
}

static void cover(struct patcher *patcher, ULONG start, ULONG end)
{
    for (ULONG rva = start; rva < end; rva++)
        patcher->map.flags[rva - patcher->map.low] |= CODE_PATCHED;
}

/* A one-byte instruction that faults takes the place of the first byte; the table says what was there. */
static void place_trap(struct patcher *patcher, ULONG rva, const struct rewrite_op *op)
{
    struct rewrite_trap *trap = &patcher->traps[patcher->state->trap_count++];

    RL_ASSERT(patcher->state->trap_count <= patcher->trap_limit);
    trap->rva = rva;
    trap->op = *op;
    trap->op.deterministic = patcher->input->deterministic;
    *code(patcher, rva) = OPCODE_HLT;
    cover(patcher, rva, rva + op->length);
}

static void write_jump(UCHAR *at, ULONG64 target)
{
    LONG distance = (LONG)(target - ((uintptr_t)at + 5));

    at[0] = 0xE9;
    __builtin_memcpy(at + 1, &distance, sizeof(distance));
}

/* Nothing comes to what is left of a window: say so if something does. */
static void fill(struct patcher *patcher, ULONG start, ULONG end)
{
    for (ULONG rva = start; rva < end; rva++)
        *code(patcher, rva) = 0xCC;
}

static void place_jump(struct patcher *patcher, const struct code_window *window)
{
    ULONG thunk = emit_thunk(&patcher->emitter, window);

    write_jump(code(patcher, window->start), patcher->state->thunk_base + thunk);
    fill(patcher, window->start + 5, window->end);
    cover(patcher, window->start, window->end);
}

/* A short jump to the donor's second half, and from there a long one. */
static void place_hop(struct patcher *patcher, const struct code_window *window,
                      const struct code_window *donor)
{
    ULONG thunk = emit_thunk(&patcher->emitter, window);
    UCHAR *at = code(patcher, window->start);

    place_jump(patcher, donor);
    write_jump(code(patcher, donor->start + 5), patcher->state->thunk_base + thunk);
    at[0] = 0xEB;
    at[1] = (UCHAR)(donor->start + 5 - (window->start + 2));
    fill(patcher, window->start + 2, window->end);
    cover(patcher, window->start, window->end);
}

static bool thunk_room(const struct emitter *emitter)
{
    return emitter->bytes != NULL && emitter->used + 2 * THUNK_LIMIT <= emitter->limit &&
           emitter->entry_count + 80 <= emitter->entry_limit;
}

static void patch_site(struct patcher *patcher, ULONG rva)
{
    struct rewrite_insn insn;
    struct rewrite_op op;
    struct code_window window, donor;
    enum rewrite_kind kind;

    RL_ASSERT(rewrite_decode(&insn, code(patcher, rva), patcher->map.high - rva));
    kind = rewrite_classify(&op, &insn, patcher->state->image_base + rva);
    if (kind == REWRITE_REFUSED || !thunk_room(&patcher->emitter)) {
        place_trap(patcher, rva, &op);
    } else if (code_find_window(&patcher->map, rva, insn.info.length, &window)) {
        place_jump(patcher, &window);
        patcher->state->patched++;
    } else if (code_find_hop(&patcher->map, rva, insn.info.length, &window, &donor)) {
        place_hop(patcher, &window, &donor);
        patcher->state->patched++;
    } else {
        place_trap(patcher, rva, &op);
    }
}

/* The address may be a 64-bit immediate or the moffs of mov: eight bytes at the end of the instruction. */
static void patch_shared_data(struct patcher *patcher, ULONG rva)
{
    struct rewrite_insn insn;
    ULONG64 address;
    unsigned at;

    if (rewrite_targets.user_shared_data == NULL)
        return;
    RL_ASSERT(rewrite_decode(&insn, code(patcher, rva), patcher->map.high - rva));
    at = insn.info.raw.imm[0].size == 64 ? insn.info.raw.imm[0].offset : insn.info.raw.disp.offset;
    __builtin_memcpy(&address, code(patcher, rva + at), sizeof(address));
    address = (uintptr_t)rewrite_targets.user_shared_data() + (address - KUSER_BASE);
    __builtin_memcpy(code(patcher, rva + at), &address, sizeof(address));
    patcher->state->shared_data++;
}

static void patch_all(struct patcher *patcher)
{
    for (ULONG rva = patcher->map.low; rva < patcher->map.high; rva++) {
        UCHAR flags = code_flags_at(&patcher->map, rva);
        if ((flags & (CODE_SHARED | CODE_PATCHED)) == CODE_SHARED)
            patch_shared_data(patcher, rva);
    }
    for (ULONG rva = patcher->map.low; rva < patcher->map.high; rva++) {
        UCHAR flags = code_flags_at(&patcher->map, rva);
        if ((flags & (CODE_SITE | CODE_PATCHED)) == CODE_SITE)
            patch_site(patcher, rva);
    }
}

static bool run_patcher(struct patcher *patcher, struct arena *scratch)
{
    const struct rewrite_input *input = patcher->input;
    struct rewrite_state *state = patcher->state;

    if (!code_discover(&patcher->map, input, scratch))
        return false;
    state->sites = patcher->trap_limit = patcher->map.sites;
    if (state->sites != 0) {
        patcher->traps = arena_alloc(input->arena, patcher->trap_limit * sizeof(*patcher->traps));
        if (patcher->traps == NULL || !prepare_thunks(patcher, state->sites))
            return false;
    }
    patch_all(patcher);
    state->traps = patcher->traps;
    state->map = patcher->emitter.entries;
    state->map_count = patcher->emitter.entry_count;
    return state->thunk_pages == 0 ||
           NT_SUCCESS(hmem_protect((void *)state->thunk_base, state->thunk_pages, HMEM_RX));
}

bool rewrite_image(struct rewrite_state *state, const struct rewrite_input *input)
{
    struct arena scratch = {0};
    struct patcher *patcher = arena_alloc(&scratch, sizeof(*patcher));
    bool ok;

    *state = (struct rewrite_state){.image_base = (uintptr_t)input->base};
    if (patcher == NULL)
        return false;
    patcher->state = state;
    patcher->input = input;
    patcher->emitter.state = state;
    patcher->emitter.map = &patcher->map;
    ok = run_patcher(patcher, &scratch);
    arena_free(&scratch);
    return ok;
}

void rewrite_release(struct rewrite_state *state)
{
    if (state->thunk_pages != 0)
        hmem_release((void *)state->thunk_base, state->thunk_pages);
    *state = (struct rewrite_state){0};
}

ULONG64 rewrite_original(const struct rewrite_state *state, ULONG64 rip)
{
    ULONG64 offset = rip - state->thunk_base;
    ULONG low = 0, high = state->map_count;

    if (state->thunk_pages == 0 || offset >= state->thunk_pages << PAGE_SHIFT)
        return 0;
    while (low < high) {
        ULONG middle = low + (high - low) / 2;
        if (state->map[middle].thunk <= offset)
            low = middle + 1;
        else
            high = middle;
    }
    return low != 0 ? state->image_base + state->map[low - 1].original : 0;
}

ULONG64 rewrite_resume(const struct rewrite_state *state, ULONG64 rip)
{
    ULONG64 rva = rip - state->image_base;

    for (ULONG i = 0; i < state->map_count; i++) {
        if (state->map[i].original == rva && state->map[i].resumable)
            return state->thunk_base + state->map[i].thunk;
    }
    return 0;
}
