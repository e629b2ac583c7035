/* SPDX-License-Identifier: MIT */
/*
 * Memory and executive support as a driver reaches them: what is inline in the
 * headers, what raises across the import, what maps and locks. What each
 * routine does in detail the unit tests show.
 */
#include "../rltest.h"

#define TAG      'tseT'
#define ENORMOUS (1ull << 40)

/* Newer than the import library: found by name, as drivers for several versions do. */
#define OUR_FLAG_NON_PAGED        0x40ull
#define OUR_FLAG_RAISE_ON_FAILURE 0x20ull
static PVOID(NTAPI *allocate_pool2)(ULONG64 Flags, SIZE_T NumberOfBytes, ULONG Tag);

#define STATUS_OF(statement)                                                                                 \
    ({                                                                                                       \
        NTSTATUS status_ = STATUS_SUCCESS;                                                                   \
        __try {                                                                                              \
            statement;                                                                                       \
        } __except (EXCEPTION_EXECUTE_HANDLER) {                                                             \
            status_ = GetExceptionCode();                                                                    \
        }                                                                                                    \
        status_;                                                                                             \
    })

static VOID NTAPI unload(PDRIVER_OBJECT DriverObject)
{
}

static void old_and_new_pool(void)
{
    UCHAR *p = ExAllocatePoolWithTag(NonPagedPool, 64, TAG);
    ULONG nonzero = 0;
    UNICODE_STRING name;
    RtlInitUnicodeString(&name, L"ExAllocatePool2");
    allocate_pool2 = MmGetSystemRoutineAddress(&name);
    CHECK("EX-06", p != NULL && ExAllocatePoolWithTag(NonPagedPool, ENORMOUS, TAG) == NULL);
    RtlFillMemory(p, 64, 0xAA);
    ExFreePoolWithTag(p, TAG);
    p = allocate_pool2(OUR_FLAG_NON_PAGED, 5000, TAG);
    for (ULONG i = 0; i < 5000; i++)
        nonzero += p[i] != 0;
    CHECK_EQ("EX-06", nonzero, 0);
    RtlFillMemory(p, 5000, 0xAA);
    ExFreePool(p);
    CHECK("EX-06", allocate_pool2(OUR_FLAG_NON_PAGED, ENORMOUS, TAG) == NULL);
    CHECK("EX-06", allocate_pool2(OUR_FLAG_NON_PAGED, 16, 0) == NULL);
    CHECK_STATUS("EX-06",
                 STATUS_OF(allocate_pool2(OUR_FLAG_NON_PAGED | OUR_FLAG_RAISE_ON_FAILURE, ENORMOUS, TAG)),
                 STATUS_INSUFFICIENT_RESOURCES);
    CHECK_STATUS("MEM-QUOTA", STATUS_OF(ExAllocatePoolWithQuotaTag(PagedPool, ENORMOUS, TAG)),
                 STATUS_INSUFFICIENT_RESOURCES);
}

static void mdls(void)
{
    UCHAR *p = ExAllocatePoolWithTag(NonPagedPool, 3 * PAGE_SIZE, TAG);
    PMDL mdl = IoAllocateMdl(p + 8, 2 * PAGE_SIZE, FALSE, FALSE, NULL), part;
    CHECK("MEM-MDL", mdl != NULL && MmGetMdlByteOffset(mdl) == 8);
    MmBuildMdlForNonPagedPool(mdl);
    CHECK("MEM-MDL", MmGetSystemAddressForMdlSafe(mdl, NormalPagePriority) == p + 8);
    part = IoAllocateMdl(p + PAGE_SIZE, PAGE_SIZE, FALSE, FALSE, NULL);
    IoBuildPartialMdl(mdl, part, p + PAGE_SIZE, PAGE_SIZE);
    CHECK("MEM-MDL", MmGetSystemAddressForMdlSafe(part, NormalPagePriority) == p + PAGE_SIZE);
    IoFreeMdl(part);
    IoFreeMdl(mdl);
    mdl = IoAllocateMdl((PVOID)0x10000, 16, FALSE, FALSE, NULL);
    CHECK_STATUS("MEM-LOCK", STATUS_OF(MmProbeAndLockPages(mdl, UserMode, IoReadAccess)),
                 STATUS_ACCESS_VIOLATION);
    IoFreeMdl(mdl);
    mdl = IoAllocateMdl(p, PAGE_SIZE, FALSE, FALSE, NULL);
    CHECK_STATUS("MEM-LOCK", STATUS_OF(MmProbeAndLockPages(mdl, KernelMode, IoWriteAccess)), STATUS_SUCCESS);
    UCHAR *view = MmMapLockedPagesSpecifyCache(mdl, KernelMode, MmCached, NULL, FALSE, NormalPagePriority);
    view[5] = 55;
    CHECK_EQ("MEM-LOCK", p[5], 55);
    MmUnlockPages(mdl);
    IoFreeMdl(mdl);
    ExFreePool(p);
}

static void physical(void)
{
    PHYSICAL_ADDRESS highest, nothing;
    highest.QuadPart = 0xFFFFFF;
    nothing.QuadPart = 0xFE000000;
    volatile ULONG *p = MmAllocateContiguousMemory(2 * PAGE_SIZE, highest);
    PHYSICAL_ADDRESS pa = MmGetPhysicalAddress((PVOID)p);
    CHECK("MEM-PHYSICAL", p != NULL && pa.QuadPart != 0 && pa.QuadPart <= highest.QuadPart);
    volatile ULONG *view = MmMapIoSpace(pa, PAGE_SIZE, MmNonCached);
    p[3] = 0x1234;
    CHECK_EQ("MEM-PHYSICAL", view[3], 0x1234);
    MmUnmapIoSpace((PVOID)view, PAGE_SIZE);
    MmFreeContiguousMemory((PVOID)p);
    view = MmMapIoSpace(nothing, PAGE_SIZE, MmNonCached);
    CHECK_EQ("MEM-PHYSICAL", view[1], 0xFFFFFFFF); /* no device answers */
    MmUnmapIoSpace((PVOID)view, PAGE_SIZE);
}

static ULONG own_allocations, own_frees;

static PVOID NTAPI own_allocate(POOL_TYPE PoolType, SIZE_T NumberOfBytes, ULONG Tag)
{
    own_allocations++;
    return ExAllocatePoolWithTag(PoolType, NumberOfBytes, Tag);
}

static VOID NTAPI own_free(PVOID Buffer)
{
    own_frees++;
    ExFreePool(Buffer);
}

static void lookaside(void)
{
    static NPAGED_LOOKASIDE_LIST plain, own;
    PVOID kept[3];
    ExInitializeNPagedLookasideList(&plain, NULL, NULL, 0, 100, TAG, 0);
    for (int i = 0; i < 3; i++)
        kept[i] = ExAllocateFromNPagedLookasideList(&plain);
    for (int i = 0; i < 3; i++)
        ExFreeToNPagedLookasideList(&plain, kept[i]);
    PVOID again = ExAllocateFromNPagedLookasideList(&plain);
    CHECK("SR-55", again == kept[0] || again == kept[1] || again == kept[2]);
    ExFreeToNPagedLookasideList(&plain, again);
    ExDeleteNPagedLookasideList(&plain);
    ExInitializeNPagedLookasideList(&own, own_allocate, own_free, 0, 100, TAG, 0);
    kept[0] = ExAllocateFromNPagedLookasideList(&own);
    CHECK_EQ("SR-55", own_allocations, 1);
    ExFreeToNPagedLookasideList(&own, kept[0]);
    ExDeleteNPagedLookasideList(&own);
    CHECK_EQ("SR-55", own_frees, 1);
}

static KEVENT worked;
static KIRQL worked_at = HIGH_LEVEL;

static VOID NTAPI work(PVOID Parameter)
{
    worked_at = KeGetCurrentIrql();
    KeSetEvent(&worked, IO_NO_INCREMENT, FALSE);
}

static void work_item(void)
{
    static WORK_QUEUE_ITEM item;
    KIRQL old;
    KeInitializeEvent(&worked, NotificationEvent, FALSE);
    ExInitializeWorkItem(&item, work, NULL);
    KeRaiseIrql(DISPATCH_LEVEL, &old);
    ExQueueWorkItem(&item, DelayedWorkQueue);
    KeLowerIrql(old);
    LARGE_INTEGER second = {.QuadPart = -10000000};
    CHECK_STATUS("SR-31", KeWaitForSingleObject(&worked, Executive, KernelMode, FALSE, &second),
                 STATUS_SUCCESS);
    CHECK_EQ("SR-31", worked_at, PASSIVE_LEVEL);
}

static void locks(void)
{
    static FAST_MUTEX mutex;
    static ERESOURCE resource;
    ExInitializeFastMutex(&mutex);
    ExAcquireFastMutex(&mutex);
    CHECK_EQ("MEM-MUTEX", KeGetCurrentIrql(), APC_LEVEL);
    ExReleaseFastMutex(&mutex);
    CHECK_EQ("MEM-MUTEX", KeGetCurrentIrql(), PASSIVE_LEVEL);
    ExInitializeResourceLite(&resource);
    KeEnterCriticalRegion();
    CHECK("MEM-RESOURCE", ExAcquireResourceExclusiveLite(&resource, TRUE));
    CHECK("MEM-RESOURCE", ExIsResourceAcquiredExclusiveLite(&resource));
    ExReleaseResourceLite(&resource);
    KeLeaveCriticalRegion();
    ExDeleteResourceLite(&resource);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    old_and_new_pool();
    mdls();
    physical();
    lookaside();
    work_item();
    locks();
    DriverObject->DriverUnload = unload;
    return STATUS_SUCCESS;
}
