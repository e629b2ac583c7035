/* SPDX-License-Identifier: MIT */
/*
 * Client ids. Processes and threads share one number space of multiples of 4;
 * a number is taken again only after all others were (first in, first out), so
 * that a stale id is found out. The table holds no references: an object
 * leaves it when it is deleted, and a lookup revives nothing.
 */
#include "ps/internal.h"

rl_lock ps_lock;

struct cid_slot {
    void *body;
    ULONG next_free;
};

static struct cid_slot *slots;
static ULONG slot_count, used, first_free, last_free; /* slot 0 is nobody's: id 0 is the idle process's */

NTSTATUS ps_cid_init(void)
{
    slot_count = 256;
    used = 1;
    first_free = last_free = 0;
    slots = mm_alloc(slot_count * sizeof(*slots), PS_TAG_CID);
    return slots ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
}

void ps_cid_fini(void)
{
    slots = NULL;
    slot_count = 0;
}

/* Doubles the table. The lock is not held by the caller; another thread may have grown it first. */
static bool grow(ULONG from)
{
    struct cid_slot *bigger = mm_alloc(2 * from * sizeof(*bigger), PS_TAG_CID), *old = bigger;
    if (!bigger)
        return false;
    rl_lock_acquire(&ps_lock);
    if (slot_count == from) {
        memcpy(bigger, slots, from * sizeof(*slots));
        old = slots;
        slots = bigger;
        slot_count = 2 * from;
    }
    rl_lock_release(&ps_lock);
    mm_free(old);
    return true;
}

static ULONG take_slot(void)
{
    if (used < slot_count)
        return used++;
    ULONG index = first_free;
    if (index)
        first_free = slots[index].next_free;
    if (!first_free)
        last_free = 0;
    return index;
}

HANDLE ps_cid_allocate(void *body)
{
    ULONG index, size;
    do {
        rl_lock_acquire(&ps_lock);
        size = slot_count;
        index = take_slot();
        if (index)
            slots[index] = (struct cid_slot){body, 0};
        rl_lock_release(&ps_lock);
    } while (!index && grow(size));
    return (HANDLE)((ULONG_PTR)index * 4);
}

void ps_cid_free(HANDLE id)
{
    ULONG index = (ULONG)((ULONG_PTR)id / 4);
    if (!index || !slots)
        return;
    rl_lock_acquire(&ps_lock);
    slots[index] = (struct cid_slot){NULL, 0};
    if (last_free)
        slots[last_free].next_free = index;
    else
        first_free = index;
    last_free = index;
    rl_lock_release(&ps_lock);
}

static void *lookup(HANDLE id, struct ob_type *type)
{
    ULONG_PTR index = (ULONG_PTR)id / 4;
    void *found = NULL;
    rl_lock_acquire(&ps_lock);
    if ((ULONG_PTR)id % 4 == 0 && index && index < used && slots[index].body) {
        void *body = slots[index].body;
        if (ob_type_of(body) == type && ob_reference_if_live(body))
            found = body;
    }
    rl_lock_release(&ps_lock);
    return found;
}

struct ke_process *ps_lookup_process(HANDLE id)
{
    return lookup(id, ps_process_type);
}

struct ps_thread *ps_lookup_thread(HANDLE id)
{
    return lookup(id, ps_thread_type);
}

/* The process comes back referenced. IRQL: <= APC_LEVEL. */
EXPORT(ntoskrnl, PsLookupProcessByProcessId, PASSIVE_LEVEL, APC_LEVEL, X_PLAIN)
NTSTATUS NTAPI PsLookupProcessByProcessId(HANDLE ProcessId, PEPROCESS *Process)
{
    struct ke_process *process = ps_lookup_process(ProcessId);
    if (!process)
        return STATUS_INVALID_CID;
    *Process = (PEPROCESS)process;
    return STATUS_SUCCESS;
}

EXPORT(ntoskrnl, PsLookupThreadByThreadId, PASSIVE_LEVEL, APC_LEVEL, X_PLAIN)
NTSTATUS NTAPI PsLookupThreadByThreadId(HANDLE ThreadId, PETHREAD *Thread)
{
    struct ps_thread *thread = ps_lookup_thread(ThreadId);
    if (!thread)
        return STATUS_INVALID_PARAMETER;
    *Thread = (PETHREAD)thread;
    return STATUS_SUCCESS;
}

/* Source: exported by every ntoskrnl, undocumented: both ids must belong together. */
EXPORT(ntoskrnl, PsLookupProcessThreadByCid, PASSIVE_LEVEL, APC_LEVEL, X_PLAIN)
NTSTATUS NTAPI PsLookupProcessThreadByCid(PCLIENT_ID Cid, PEPROCESS *Process, PETHREAD *Thread)
{
    struct ps_thread *thread = ps_lookup_thread(Cid->UniqueThread);
    if (!thread)
        return STATUS_INVALID_CID;
    if (thread->process->id != Cid->UniqueProcess) {
        ob_dereference(thread);
        return STATUS_INVALID_CID;
    }
    if (Process) {
        ob_reference(thread->process);
        *Process = (PEPROCESS)thread->process;
    }
    *Thread = (PETHREAD)thread;
    return STATUS_SUCCESS;
}
