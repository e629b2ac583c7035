/* SPDX-License-Identifier: MIT */
/*
 * Gates: one stub per export and kind, generated in HMEM_IMAGE, that hands the
 * export's entry to a body in gate.S. The table of gates is guarded by a lock
 * that is held while a stub is written, never while driver code runs.
 */
#include "arch/arch.h"
#include "arch/x86_64/code.h"
#include "base/lock.h"

#include <string.h>

void arch_gate_record(void);
void arch_gate_checked(void);
void arch_gate_enter(const struct export_entry *entry, const struct arch_record *record);
void arch_gate_leave(const struct export_entry *entry, const struct arch_record *record);

#define GATE_SLOTS 8192 /* a power of two, more than twice the exports there will ever be */

struct gate {
    const struct export_entry *entry;
    const void *code[2];
};

static struct gate gates[GATE_SLOTS];
static unsigned gates_used;
static rl_lock gate_lock;

void arch_gate_enter(const struct export_entry *entry, const struct arch_record *record)
{
    if (arch_ops.gate_enter)
        arch_ops.gate_enter(entry, record);
}

void arch_gate_leave(const struct export_entry *entry, const struct arch_record *record)
{
    if (arch_ops.gate_leave)
        arch_ops.gate_leave(entry, record);
}

/* The export's slot, a new one if need be; NULL when the table is full. */
static struct gate *slot_of(const struct export_entry *entry)
{
    size_t hash = ((uintptr_t)entry >> 3) * 0x9E3779B97F4A7C15ull >> 40;

    for (unsigned step = 0; step < GATE_SLOTS; step++) {
        struct gate *gate = &gates[(hash + step) % GATE_SLOTS];
        if (gate->entry == entry)
            return gate;
        if (gate->entry == NULL && gates_used < GATE_SLOTS / 2) {
            gate->entry = entry;
            gates_used++;
            return gate;
        }
        if (gate->entry == NULL)
            return NULL;
    }
    return NULL;
}

/* movabs $entry, %r11; jmp *0(%rip); .quad body */
static const void *write_stub(const struct export_entry *entry, const void *body)
{
    struct __attribute__((packed)) {
        UCHAR movabs[2];
        const void *entry;
        UCHAR jmp[6];
        const void *body;
    } stub = {{0x49, 0xBB}, entry, {0xFF, 0x25, 0, 0, 0, 0}, body};

    return code_write(&stub, sizeof(stub));
}

const void *arch_gate(const struct export_entry *entry, enum arch_gate_kind kind)
{
    if (entry->flags & (X_CONTEXT | X_DATA))
        return entry->address;

    rl_lock_acquire(&gate_lock);
    struct gate *gate = slot_of(entry);
    if (gate && !gate->code[kind])
        gate->code[kind] =
            write_stub(entry, kind == ARCH_GATE_CHECKED ? arch_gate_checked : arch_gate_record);
    rl_lock_release(&gate_lock);
    return gate ? gate->code[kind] : NULL;
}

void gate_fini(void)
{
    memset(gates, 0, sizeof(gates));
    gates_used = 0;
}
