/* SPDX-License-Identifier: MIT */
/*
 * The fields of IRPs and MDLs after each routine that makes or changes them,
 * and what locking and mapping refuse.
 */
#include "../rltest.h"
#include <ntifs.h>

#define TAG 'dleF'

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

static void irp_fields(void)
{
    for (CCHAR stack = 1; stack < 100; stack += 7) {
        PIRP irp = IoAllocateIrp(stack, stack & 1);
        CHECK("IRP-01", irp != NULL);
        if (!irp)
            continue;
        CHECK_EQ("IRP-01", irp->Type, IO_TYPE_IRP);
        CHECK_EQ("IRP-01", irp->Size, IoSizeOfIrp(stack));
        CHECK_EQ("IRP-01", irp->StackCount, stack);
        CHECK_EQ("IRP-01", irp->CurrentLocation, stack + 1);
        CHECK("IRP-01", irp->Tail.Overlay.CurrentStackLocation == (PIO_STACK_LOCATION)(irp + 1) + stack);
        CHECK("IRP-01", IsListEmpty(&irp->ThreadListEntry) && irp->Tail.Overlay.Thread == NULL);
        CHECK("IRP-01", irp->Flags == 0 && irp->MdlAddress == NULL && irp->UserIosb == NULL && !irp->Cancel);
        CHECK("IRP-01",
              irp->IoStatus.Status == 0 && irp->PendingReturned == 0 && irp->RequestorMode == KernelMode);
        CHECK_EQ("IRP-01", !!(irp->AllocationFlags & 0x04), stack <= 8); /* of a fixed size */
        irp->IoStatus.Status = STATUS_UNSUCCESSFUL;
        irp->Cancel = TRUE;
        UCHAR flags = irp->AllocationFlags;
        IoReuseIrp(irp, STATUS_TIMEOUT);
        CHECK("IRP-07",
              irp->IoStatus.Status == STATUS_TIMEOUT && !irp->Cancel && irp->AllocationFlags == flags);
        CHECK("IRP-07", irp->StackCount == stack && irp->CurrentLocation == stack + 1);
        IoFreeIrp(irp);
    }
    static UCHAR raw[0x1000] __attribute__((aligned(16)));
    PIRP irp = (PIRP)raw;
    RtlFillMemory(raw, sizeof(raw), 0x55);
    IoInitializeIrp(irp, 0x155, 2);
    CHECK("IRP-06", irp->Size == 0x155 && irp->StackCount == 2 && irp->CurrentLocation == 3);
    CHECK("IRP-06", raw[0x154] == 0 && raw[0x155] == 0x55);
    CHECK("IRP-06", irp->Type == IO_TYPE_IRP && IsListEmpty(&irp->ThreadListEntry));
    CHECK("IRP-06", irp->Tail.Overlay.CurrentStackLocation == (PIO_STACK_LOCATION)(irp + 1) + 2);
    irp = IoAllocateIrp(0, FALSE);
    CHECK("IRP-01", irp != NULL && irp->Size == sizeof(IRP) && irp->CurrentLocation == 1);
    IoFreeIrp(irp);
}

static void mdl_fields(void)
{
    PUCHAR p = ExAllocatePoolWithTag(NonPagedPool, 4 * PAGE_SIZE, TAG);
    PMDL mdl = IoAllocateMdl(p + 0x10, 2 * PAGE_SIZE, FALSE, FALSE, NULL);
    CHECK_EQ("MEM-MDL", mdl->Size, sizeof(MDL) + 3 * sizeof(PFN_NUMBER));
    CHECK("MEM-MDL",
          mdl->Next == NULL && mdl->StartVa == PAGE_ALIGN(p) && mdl->ByteOffset == BYTE_OFFSET(p + 0x10));
    CHECK_EQ("MEM-MDL", mdl->ByteCount, 2 * PAGE_SIZE);
    CHECK_EQ("MEM-MDL", mdl->MdlFlags & ~MDL_ALLOCATED_FIXED_SIZE, 0);
    CHECK("MEM-MDL", mdl->MdlFlags & MDL_ALLOCATED_FIXED_SIZE);
    CHECK_EQ("MEM-MDL", MmSizeOfMdl(p + 0x10, 2 * PAGE_SIZE), sizeof(MDL) + 3 * sizeof(PFN_NUMBER));
    CHECK_EQ("MEM-MDL", MmSizeOfMdl((PVOID)0xFFF, 2), sizeof(MDL) + 2 * sizeof(PFN_NUMBER));
    CHECK_EQ("MEM-MDL", MmSizeOfMdl(NULL, 0), sizeof(MDL));
    MmBuildMdlForNonPagedPool(mdl);
    CHECK("MEM-MDL", mdl->MdlFlags & MDL_SOURCE_IS_NONPAGED_POOL &&
                         !(mdl->MdlFlags & (MDL_PAGES_LOCKED | MDL_MAPPED_TO_SYSTEM_VA)));
    CHECK("MEM-MDL", mdl->MappedSystemVa == p + 0x10 &&
                         MmGetSystemAddressForMdlSafe(mdl, NormalPagePriority) == p + 0x10);
    PMDL part = IoAllocateMdl(p + PAGE_SIZE, 0x20, FALSE, FALSE, NULL);
    IoBuildPartialMdl(mdl, part, p + PAGE_SIZE, 0x20);
    CHECK("MEM-MDL", part->MdlFlags & MDL_PARTIAL && part->MdlFlags & MDL_SOURCE_IS_NONPAGED_POOL);
    CHECK("MEM-MDL", part->ByteCount == 0x20 && part->MappedSystemVa == p + PAGE_SIZE && part->Next == NULL);
    IoFreeMdl(part);
    PIRP irp = IoAllocateIrp(1, FALSE);
    PMDL first = IoAllocateMdl(p, 1, FALSE, FALSE, irp), second = IoAllocateMdl(p, 1, TRUE, FALSE, irp),
         third = IoAllocateMdl(p, 1, TRUE, FALSE, irp);
    CHECK("MEM-MDL",
          irp->MdlAddress == first && first->Next == second && second->Next == third && third->Next == NULL);
    PMDL other = IoAllocateMdl(p, 1, FALSE, TRUE, irp);
    CHECK("MEM-MDL", irp->MdlAddress == other && other->Next == NULL);
    irp->MdlAddress = NULL;
    PMDL lone = IoAllocateMdl(p, 1, TRUE, FALSE, irp);
    CHECK("MEM-MDL", lone != NULL && irp->MdlAddress != NULL);
    IoFreeMdl(lone);
    IoFreeMdl(other);
    IoFreeMdl(third);
    IoFreeMdl(second);
    IoFreeMdl(first);
    irp->MdlAddress = NULL;
    IoFreeIrp(irp);
    CHECK_STATUS("MEM-MDL", MmAdvanceMdl(mdl, 2 * PAGE_SIZE + 1), STATUS_INVALID_PARAMETER_2);
    IoFreeMdl(mdl);
    UCHAR space[sizeof(MDL) + 8];
    RtlFillMemory(space, sizeof(space), 0xAA);
    MmInitializeMdl((PMDL)space, p + 3, 5);
    mdl = (PMDL)space;
    CHECK("MEM-MDL", mdl->Next == NULL && mdl->Size == sizeof(MDL) + 8 && mdl->MdlFlags == 0 &&
                         mdl->ByteOffset == 3 && mdl->ByteCount == 5);
    PMDL large = IoAllocateMdl(p, 100 * PAGE_SIZE, FALSE, FALSE, NULL);
    CHECK("MEM-MDL", large && !(large->MdlFlags & MDL_ALLOCATED_FIXED_SIZE));
    IoFreeMdl(large);
    CHECK("MEM-MDL", IoAllocateMdl(p, 0xFFFFFFFF, FALSE, FALSE, NULL) == NULL);
    ExFreePoolWithTag(p, TAG);
}

static void locking(void)
{
    PUCHAR p = ExAllocatePoolWithTag(PagedPool, 2 * PAGE_SIZE, TAG);
    PMDL mdl = IoAllocateMdl(p, 2 * PAGE_SIZE, FALSE, FALSE, NULL);
    CHECK_STATUS("MEM-LOCK", STATUS_OF(MmProbeAndLockPages(mdl, KernelMode, IoWriteAccess)), STATUS_SUCCESS);
    CHECK("MEM-LOCK",
          mdl->MdlFlags & MDL_PAGES_LOCKED && mdl->MdlFlags & MDL_WRITE_OPERATION && mdl->Process == NULL);
    CHECK("MEM-LOCK", !(mdl->MdlFlags & MDL_MAPPED_TO_SYSTEM_VA));
    PUCHAR mapped = MmGetSystemAddressForMdlSafe(mdl, NormalPagePriority);
    CHECK("MEM-LOCK", mapped != NULL && mapped != p && mdl->MdlFlags & MDL_MAPPED_TO_SYSTEM_VA &&
                          mdl->MappedSystemVa == mapped);
    CHECK("MEM-LOCK", MmGetSystemAddressForMdlSafe(mdl, NormalPagePriority) == mapped);
    PMDL part = IoAllocateMdl(p, 2 * PAGE_SIZE, FALSE, FALSE, NULL);
    IoBuildPartialMdl(mdl, part, p + 0x100, 0x10);
    CHECK("MEM-LOCK", part->MdlFlags & MDL_PARTIAL && part->MdlFlags & MDL_PARENT_MAPPED_SYSTEM_VA &&
                          part->MdlFlags & MDL_MAPPED_TO_SYSTEM_VA);
    CHECK("MEM-LOCK", part->MappedSystemVa == mapped + 0x100 && part->ByteCount == 0x10 &&
                          !(part->MdlFlags & MDL_PAGES_LOCKED));
    IoFreeMdl(part);
    MmUnmapLockedPages(mapped, mdl);
    CHECK("MEM-LOCK", !(mdl->MdlFlags & MDL_MAPPED_TO_SYSTEM_VA));
    part = IoAllocateMdl(p, 2 * PAGE_SIZE, FALSE, FALSE, NULL);
    IoBuildPartialMdl(mdl, part, p + PAGE_SIZE, 0x10);
    CHECK("MEM-LOCK", !(part->MdlFlags & (MDL_PARENT_MAPPED_SYSTEM_VA | MDL_MAPPED_TO_SYSTEM_VA)));
    CHECK("MEM-LOCK", MmGetMdlPfnArray(part)[0] == MmGetMdlPfnArray(mdl)[1]);
    mapped = MmGetSystemAddressForMdlSafe(part, NormalPagePriority);
    CHECK("MEM-LOCK", mapped && part->MdlFlags & MDL_PARTIAL_HAS_BEEN_MAPPED);
    MmPrepareMdlForReuse(part);
    CHECK("MEM-LOCK", !(part->MdlFlags & (MDL_PARTIAL_HAS_BEEN_MAPPED | MDL_MAPPED_TO_SYSTEM_VA)));
    IoFreeMdl(part);
    MmUnlockPages(mdl);
    CHECK("MEM-LOCK", !(mdl->MdlFlags & MDL_PAGES_LOCKED));
    CHECK_STATUS("MEM-LOCK", STATUS_OF(MmProbeAndLockPages(mdl, KernelMode, IoReadAccess)), STATUS_SUCCESS);
    CHECK("MEM-LOCK", !(mdl->MdlFlags & MDL_WRITE_OPERATION));
    MmUnlockPages(mdl);
    CHECK_STATUS("MEM-LOCK", STATUS_OF(MmProbeAndLockPages(mdl, UserMode, IoReadAccess)),
                 STATUS_ACCESS_VIOLATION);
    CHECK("MEM-LOCK", !(mdl->MdlFlags & MDL_PAGES_LOCKED));
    IoFreeMdl(mdl);
    ExFreePoolWithTag(p, TAG);
}

static void user_pages(void)
{
    PVOID base = NULL;
    SIZE_T size = 2 * PAGE_SIZE;
    CHECK_STATUS(
        "MEM-USER",
        ZwAllocateVirtualMemory(ZwCurrentProcess(), &base, 0, &size, MEM_RESERVE | MEM_COMMIT, PAGE_READONLY),
        STATUS_SUCCESS);
    PMDL mdl = IoAllocateMdl(base, PAGE_SIZE, FALSE, FALSE, NULL);
    CHECK_STATUS("MEM-USER", STATUS_OF(MmProbeAndLockPages(mdl, UserMode, IoWriteAccess)),
                 STATUS_ACCESS_VIOLATION);
    CHECK_STATUS("MEM-USER", STATUS_OF(MmProbeAndLockPages(mdl, UserMode, IoReadAccess)), STATUS_SUCCESS);
    CHECK("MEM-USER", mdl->Process == PsGetCurrentProcess());
    MmUnlockPages(mdl);
    IoFreeMdl(mdl);
    mdl = IoAllocateMdl((PVOID)0x10, PAGE_SIZE, FALSE, FALSE, NULL);
    CHECK_STATUS("MEM-USER", STATUS_OF(MmProbeAndLockPages(mdl, UserMode, IoReadAccess)),
                 STATUS_ACCESS_VIOLATION);
    IoFreeMdl(mdl);
    PUCHAR p = ExAllocatePoolWithTag(NonPagedPool, PAGE_SIZE, TAG);
    p[0] = 0x42;
    mdl = IoAllocateMdl(p, PAGE_SIZE, FALSE, FALSE, NULL);
    MmBuildMdlForNonPagedPool(mdl);
    PUCHAR user = NULL;
    CHECK_STATUS("MEM-USER",
                 STATUS_OF(user = MmMapLockedPagesSpecifyCache(mdl, UserMode, MmCached, NULL, FALSE,
                                                               NormalPagePriority)),
                 STATUS_SUCCESS);
    CHECK("MEM-USER", user && user < (PUCHAR)MmHighestUserAddress && BYTE_OFFSET(user) == BYTE_OFFSET(p) &&
                          user[0] == 0x42);
    CHECK("MEM-USER", mdl->MappedSystemVa == p && !(mdl->MdlFlags & MDL_MAPPED_TO_SYSTEM_VA));
    MmUnmapLockedPages(user, mdl);
    CHECK("MEM-USER", !MmIsAddressValid(user));
    IoFreeMdl(mdl);
    ExFreePoolWithTag(p, TAG);
    size = 0;
    ZwFreeVirtualMemory(ZwCurrentProcess(), &base, &size, MEM_RELEASE);
}

static void share_access(void)
{
    SHARE_ACCESS share;
    PDEVICE_OBJECT device;
    PFILE_OBJECT file;
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\Device\\FieldsShare");
    extern PDRIVER_OBJECT the_driver;
    CHECK_STATUS("DO-01", IoCreateDevice(the_driver, 0, &name, FILE_DEVICE_UNKNOWN, 0, FALSE, &device),
                 STATUS_SUCCESS);
    PDEVICE_OBJECT twin = (PVOID)1;
    CHECK_STATUS("DO-01", IoCreateDevice(the_driver, 0, &name, FILE_DEVICE_UNKNOWN, 0, FALSE, &twin),
                 STATUS_OBJECT_NAME_COLLISION);
    file = IoCreateStreamFileObject(NULL, device);
    CHECK("IO-SHARE", file && file->Type == IO_TYPE_FILE && file->Size == sizeof(FILE_OBJECT) &&
                          file->DeviceObject == device);
    CHECK("IO-SHARE", file->Flags & FO_STREAM_FILE);
    IoSetShareAccess(FILE_READ_DATA, FILE_SHARE_READ, file, &share);
    CHECK("IO-SHARE",
          share.OpenCount == 1 && share.Readers == 1 && share.Writers == 0 && share.Deleters == 0);
    CHECK("IO-SHARE", share.SharedRead == 1 && share.SharedWrite == 0 && share.SharedDelete == 0);
    CHECK("IO-SHARE", file->ReadAccess && !file->WriteAccess && !file->DeleteAccess && file->SharedRead &&
                          !file->SharedWrite);
    FILE_OBJECT second = {.Type = IO_TYPE_FILE, .Size = sizeof(FILE_OBJECT)};
    CHECK_STATUS("IO-SHARE", IoCheckShareAccess(FILE_WRITE_DATA, FILE_SHARE_READ, &second, &share, FALSE),
                 STATUS_SHARING_VIOLATION);
    CHECK("IO-SHARE", second.WriteAccess && !second.ReadAccess && share.OpenCount == 1);
    CHECK_STATUS("IO-SHARE", IoCheckShareAccess(FILE_EXECUTE, FILE_SHARE_READ, &second, &share, TRUE),
                 STATUS_SUCCESS);
    CHECK("IO-SHARE",
          share.OpenCount == 2 && share.Readers == 2 && share.SharedRead == 2 && second.ReadAccess);
    IoRemoveShareAccess(&second, &share);
    CHECK("IO-SHARE", share.OpenCount == 1 && share.Readers == 1 && share.SharedRead == 1);
    RtlZeroMemory(&second, sizeof(second));
    CHECK_STATUS("IO-SHARE", IoCheckShareAccess(FILE_READ_ATTRIBUTES | SYNCHRONIZE, 0, &second, &share, TRUE),
                 STATUS_SUCCESS);
    CHECK("IO-SHARE", share.OpenCount == 1 && !second.SharedRead);
    RtlZeroMemory(&second, sizeof(second));
    CHECK_STATUS("IO-SHARE", IoCheckShareAccess(FILE_READ_DATA, 0, &second, &share, TRUE),
                 STATUS_SHARING_VIOLATION);
    CHECK_STATUS("IO-SHARE", IoCheckShareAccess(DELETE, 7, &second, &share, TRUE), STATUS_SHARING_VIOLATION);
    IoRemoveShareAccess(file, &share);
    CHECK("IO-SHARE", share.OpenCount == 0 && share.Readers == 0 && share.SharedRead == 0);
    ObDereferenceObject(file);
    IoDeleteDevice(device);
}

static void named_events(void)
{
    HANDLE handle, again, sync;
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\BaseNamedObjects\\FieldsEvent");
    UNICODE_STRING other = RTL_CONSTANT_STRING(L"\\BaseNamedObjects\\FieldsSync");
    PKEVENT event = IoCreateNotificationEvent(&name, &handle);
    CHECK("IO-EVENT", event != NULL && handle != NULL && event->Header.Type == NotificationEvent &&
                          KeReadStateEvent(event));
    CHECK("IO-EVENT", (LONG_PTR)handle < 0);
    KeClearEvent(event);
    PKEVENT same = IoCreateSynchronizationEvent(&name, &again);
    CHECK("IO-EVENT", same == event && again != handle && !KeReadStateEvent(same));
    PKEVENT auto_reset = IoCreateSynchronizationEvent(&other, &sync);
    CHECK("IO-EVENT",
          auto_reset && auto_reset->Header.Type == SynchronizationEvent && KeReadStateEvent(auto_reset));
    ZwClose(again);
    ZwClose(sync);
    CHECK_STATUS("IO-EVENT", ZwSetEvent(handle, NULL), STATUS_SUCCESS);
    CHECK("IO-EVENT", KeReadStateEvent(event));
    ZwClose(handle);
}

PDRIVER_OBJECT the_driver;

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    the_driver = DriverObject;
    irp_fields();
    mdl_fields();
    locking();
    user_pages();
    share_access();
    named_events();
    DriverObject->DriverUnload = unload;
    return STATUS_SUCCESS;
}
