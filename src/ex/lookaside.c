/* SPDX-License-Identifier: MIT */
/*
 * Lookaside lists. Taking an entry and giving it back are inline in drivers:
 * they use the SList of the structure, compare its depth with L.Depth, and call
 * L.Allocate and L.Free otherwise. Those are addresses for driver code to call:
 * the driver's own routines, or the gates of the pool's exports.
 */
#include "ex/slist.h"
#include "ke/held.h"
#include "ldr/ldr.h"

#define DEPTH_START   4 /* entries kept before there is any history */
#define DEPTH_MAXIMUM 256
#define SIZE_SMALLEST 16 /* an entry holds a list link while it is free */

/* Special pool is to see every entry come and go: a list on it keeps none. */
static USHORT depth_of(const void *allocate, const void *free)
{
    return mm_special_on() && allocate == NULL && free == NULL ? 0 : DEPTH_START;
}

static const void *bound(const char *name)
{
    const struct export_entry *entry = ldr_find_export("ntoskrnl", name);
    RL_ASSERT(entry != NULL);
    return ldr_bind_export(entry, true);
}

static _Noreturn void misused(ULONG kind, const void *list, const char *sentence)
{
    struct ke_bugcheck_info info = {.code = DRIVER_VERIFIER_DETECTED_VIOLATION,
                                    .p = {kind, (uintptr_t)list},
                                    .sentence = sentence,
                                    .verifier = true};
    ke_bugcheck(&info);
}

static void hold(const void *list)
{
    if (!ke_hold(KE_HELD_LOOKASIDE, list))
        misused(0xCA, list,
                "a lookaside list was initialized that was not deleted since it was last initialized");
}

static void give_up(const void *list)
{
    if (!ke_unhold(KE_HELD_LOOKASIDE, list) && ke_driver_caller() != NULL)
        misused(0xCB, list, "a lookaside list was deleted that was not initialized");
}

static void init_list(GENERAL_LOOKASIDE_POOL *l, POOL_TYPE type, SIZE_T size, ULONG tag)
{
    hold(l);
    *l = (GENERAL_LOOKASIDE_POOL){
        .Depth = DEPTH_START,
        .MaximumDepth = DEPTH_MAXIMUM,
        .Type = type,
        .Tag = tag,
        .Size = (ULONG)MAX(size, SIZE_SMALLEST),
    };
    InitializeSListHead(&l->ListHead);
    list_init(&l->ListEntry);
}

static void init_classic(GENERAL_LOOKASIDE_POOL *l, PALLOCATE_FUNCTION allocate, PFREE_FUNCTION free,
                         POOL_TYPE type, SIZE_T size, ULONG tag)
{
    init_list(l, type, size, tag);
    l->Depth = depth_of(allocate, free);
    /* SR-55: the driver's routine, or the pool's. */
    l->Allocate = allocate ? allocate : (PALLOCATE_FUNCTION)bound("ExAllocatePoolWithTag");
    l->Free = free ? free : (PFREE_FUNCTION)bound("ExFreePool");
}

/* An empty list of nonpaged blocks. Flags may be POOL_NX_ALLOCATION and POOL_RAISE_IF_ALLOCATION_FAILURE.
 * Raises STATUS_DATATYPE_MISALIGNMENT when the structure is not 16-byte aligned. */
EXPORT(ntoskrnl, ExInitializeNPagedLookasideList, PASSIVE_LEVEL, DISPATCH_LEVEL, X_RAISES)
VOID NTAPI ExInitializeNPagedLookasideList(PNPAGED_LOOKASIDE_LIST Lookaside, PALLOCATE_FUNCTION Allocate,
                                           PFREE_FUNCTION Free, ULONG Flags, SIZE_T Size, ULONG Tag,
                                           USHORT Depth)
{
    init_classic((GENERAL_LOOKASIDE_POOL *)&Lookaside->L, Allocate, Free, NonPagedPool | Flags, Size, Tag);
}

EXPORT(ntoskrnl, ExInitializePagedLookasideList, PASSIVE_LEVEL, APC_LEVEL, X_RAISES)
VOID NTAPI ExInitializePagedLookasideList(PPAGED_LOOKASIDE_LIST Lookaside, PALLOCATE_FUNCTION Allocate,
                                          PFREE_FUNCTION Free, ULONG Flags, SIZE_T Size, ULONG Tag,
                                          USHORT Depth)
{
    init_classic((GENERAL_LOOKASIDE_POOL *)&Lookaside->L, Allocate, Free, PagedPool | Flags, Size, Tag);
}

static void free_entries(GENERAL_LOOKASIDE_POOL *l)
{
    PSLIST_ENTRY entry = ExpInterlockedFlushSList(&l->ListHead);
    uint64_t cookie = ke_callout_enter("lookaside free", l->Free);
    for (PSLIST_ENTRY next; entry != NULL; entry = next) {
        next = entry->Next;
        l->Free(entry);
    }
    ke_callout_leave("lookaside free", l->Free, cookie);
}

/* Frees the entries that the list holds; the structure is the caller's again. */
EXPORT(ntoskrnl, ExDeleteNPagedLookasideList, PASSIVE_LEVEL, DISPATCH_LEVEL, X_CALLS_DRIVER)
VOID NTAPI ExDeleteNPagedLookasideList(PNPAGED_LOOKASIDE_LIST Lookaside)
{
    give_up(&Lookaside->L);
    free_entries((GENERAL_LOOKASIDE_POOL *)&Lookaside->L);
}

EXPORT(ntoskrnl, ExDeletePagedLookasideList, PASSIVE_LEVEL, APC_LEVEL, X_CALLS_DRIVER)
VOID NTAPI ExDeletePagedLookasideList(PPAGED_LOOKASIDE_LIST Lookaside)
{
    give_up(&Lookaside->L);
    free_entries((GENERAL_LOOKASIDE_POOL *)&Lookaside->L);
}

static bool pool_type_valid(POOL_TYPE type)
{
    POOL_TYPE base = type & ~(POOL_TYPE)(NonPagedPoolNx | POOL_COLD_ALLOCATION);
    return base == NonPagedPool || base == PagedPool || base == NonPagedPoolCacheAligned ||
           base == PagedPoolCacheAligned;
}

/* The default routines take fewer parameters than the list passes: the surplus is ignored. */
static void set_routines(GENERAL_LOOKASIDE_POOL *l, PALLOCATE_FUNCTION_EX allocate, PFREE_FUNCTION_EX free)
{
    l->Depth = depth_of(allocate, free);
    /* SR-55: the driver's routine, or the pool's. */
    l->AllocateEx = allocate ? allocate : (PALLOCATE_FUNCTION_EX)bound("ExAllocatePoolWithTag");
    l->FreeEx = free ? free : (PFREE_FUNCTION_EX)bound("ExFreePool");
}

/*
 * An empty list of either pool. The flags become part of the pool type that the allocation routine gets.
 * STATUS_INVALID_PARAMETER_4: the pool type. _5: both flags, or an unknown one.
 */
EXPORT(ntoskrnl, ExInitializeLookasideListEx, PASSIVE_LEVEL, DISPATCH_LEVEL, X_RAISES)
NTSTATUS NTAPI ExInitializeLookasideListEx(PLOOKASIDE_LIST_EX Lookaside, PALLOCATE_FUNCTION_EX Allocate,
                                           PFREE_FUNCTION_EX Free, POOL_TYPE PoolType, ULONG Flags,
                                           SIZE_T Size, ULONG Tag, USHORT Depth)
{
    if (!pool_type_valid(PoolType))
        return STATUS_INVALID_PARAMETER_4;
    if (Flags > EX_LOOKASIDE_LIST_EX_FLAGS_FAIL_NO_RAISE)
        return STATUS_INVALID_PARAMETER_5;
    POOL_TYPE type = PoolType;
    if (Flags == EX_LOOKASIDE_LIST_EX_FLAGS_RAISE_ON_FAIL)
        type |= POOL_RAISE_IF_ALLOCATION_FAILURE;
    if (Flags == EX_LOOKASIDE_LIST_EX_FLAGS_FAIL_NO_RAISE)
        type |= POOL_QUOTA_FAIL_INSTEAD_OF_RAISE;
    init_list(&Lookaside->L, type, Size, Tag);
    set_routines(&Lookaside->L, Allocate, Free);
    return STATUS_SUCCESS;
}

/* Frees the entries that the list holds; it stays usable. */
EXPORT(ntoskrnl, ExFlushLookasideListEx, PASSIVE_LEVEL, DISPATCH_LEVEL, X_CALLS_DRIVER)
VOID NTAPI ExFlushLookasideListEx(PLOOKASIDE_LIST_EX Lookaside)
{
    PSLIST_ENTRY entry = ExpInterlockedFlushSList(&Lookaside->L.ListHead);
    uint64_t cookie = ke_callout_enter("lookaside free", Lookaside->L.FreeEx);
    for (PSLIST_ENTRY next; entry != NULL; entry = next) {
        next = entry->Next;
        Lookaside->L.FreeEx(entry, Lookaside);
    }
    ke_callout_leave("lookaside free", Lookaside->L.FreeEx, cookie);
}

EXPORT(ntoskrnl, ExDeleteLookasideListEx, PASSIVE_LEVEL, DISPATCH_LEVEL, X_CALLS_DRIVER)
VOID NTAPI ExDeleteLookasideListEx(PLOOKASIDE_LIST_EX Lookaside)
{
    give_up(&Lookaside->L);
    ExFlushLookasideListEx(Lookaside);
}
