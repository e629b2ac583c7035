/* SPDX-License-Identifier: MIT */
/* A list of either pool, whose routines are the driver's own and are told the list, or the pool's. */
#define NTDDI_VERSION 0x06010000
#include "../rltest.h"

#define TAG   'xELT'
#define BYTES 0x60

static LOOKASIDE_LIST_EX list;
static ULONG allocations, frees;

static PVOID NTAPI allocate(POOL_TYPE PoolType, SIZE_T NumberOfBytes, ULONG Tag, PLOOKASIDE_LIST_EX Lookaside)
{
    CHECK("SR-55", PoolType == PagedPool && NumberOfBytes == BYTES && Tag == TAG && Lookaside == &list);
    CHECK_EQ("SR-55", KeGetCurrentIrql(), APC_LEVEL);
    allocations++;
    return ExAllocatePoolWithTag(PoolType, NumberOfBytes, Tag);
}

static VOID NTAPI release(PVOID Buffer, PLOOKASIDE_LIST_EX Lookaside)
{
    CHECK("SR-55", Lookaside == &list);
    frees++;
    ExFreePoolWithTag(Buffer, TAG);
}

static void own_routines(void)
{
    PVOID entries[2];
    KIRQL irql;

    CHECK_STATUS("SR-55", ExInitializeLookasideListEx(&list, allocate, release, PagedPool, 0, BYTES, TAG, 0),
                 STATUS_SUCCESS);
    KeRaiseIrql(APC_LEVEL, &irql);
    entries[0] = ExAllocateFromLookasideListEx(&list);
    entries[1] = ExAllocateFromLookasideListEx(&list);
    KeLowerIrql(irql);
    CHECK_EQ("SR-55", allocations, 2);
    ExFreeToLookasideListEx(&list, entries[0]);
    ExFlushLookasideListEx(&list);
    CHECK_EQ("SR-55", frees, 1);
    ExFreeToLookasideListEx(&list, entries[1]);
    ExDeleteLookasideListEx(&list);
    CHECK_EQ("SR-55", frees, 2);
}

static void routines_of_the_pool(void)
{
    PUCHAR entry;

    CHECK_STATUS("SR-55", ExInitializeLookasideListEx(&list, NULL, NULL, NonPagedPool, 0, BYTES, TAG, 0),
                 STATUS_SUCCESS);
    entry = ExAllocateFromLookasideListEx(&list);
    CHECK("SR-55", entry != NULL && MmIsNonPagedSystemAddressValid(entry));
    RtlFillMemory(entry, BYTES, 0x5A);
    ExFreeToLookasideListEx(&list, entry);
    ExDeleteLookasideListEx(&list);
    CHECK("SR-55", allocations == 2 && frees == 2);
}

static VOID NTAPI unload(PDRIVER_OBJECT DriverObject)
{
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    DriverObject->DriverUnload = unload;
    own_routines();
    routines_of_the_pool();
    return STATUS_SUCCESS;
}
