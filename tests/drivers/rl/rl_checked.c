/* SPDX-License-Identifier: MIT */
/* A remove lock as a driver has it that was built for checking; and limits that are passed. */
#define DBG 1
#include "../rltest.h"

static IO_REMOVE_LOCK lock;

static VOID NTAPI unload(PDRIVER_OBJECT DriverObject)
{
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    struct {
        IO_REMOVE_LOCK lock;
        ULONG behind;
    } local = {.behind = 0x12345678};

    DriverObject->DriverUnload = unload;
    CHECK("RL-07", sizeof(IO_REMOVE_LOCK) > 0x20);
    RtlFillMemory(&local.lock, sizeof(local.lock), 0xEE);
    IoInitializeRemoveLock(&local.lock, 'gbdL', 2, 3);
    CHECK_EQ("RL-07", local.behind, 0x12345678);
    CHECK_EQ("RL-07", local.lock.Dbg.AllocateTag, 'gbdL');
    CHECK_EQ("RL-01", local.lock.Dbg.HighWatermark, 3);
    CHECK_EQ("RL-01", local.lock.Common.IoCount, 1);
    CHECK("RL-07", local.lock.Dbg.Blocks == NULL && local.lock.Dbg.LowMemoryCount == 0);

    IoInitializeRemoveLock(&lock, 'gbdL', 1, 2);
    for (ULONG i = 0; i < 3; i++)
        CHECK_STATUS("RL-02", IoAcquireRemoveLock(&lock, &lock), STATUS_SUCCESS);
    LARGE_INTEGER time = {.QuadPart = -90ll * 10000000};
    KeDelayExecutionThread(KernelMode, FALSE, &time);
    IoReleaseRemoveLock(&lock, &lock);
    IoReleaseRemoveLock(&lock, &lock);
    IoReleaseRemoveLockAndWait(&lock, &lock);
    CHECK_STATUS("RL-02", IoAcquireRemoveLock(&lock, &lock), STATUS_DELETE_PENDING);
    return STATUS_SUCCESS;
}
