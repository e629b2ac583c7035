/* SPDX-License-Identifier: MIT */
/* lookaside-after-free: a mistake on purpose. It uses an entry that it gave back to its lookaside list. */
#include "../broken.h"

static NPAGED_LOOKASIDE_LIST list;

static void make_mistake(PIRP Irp)
{
    volatile ULONG *entry;

    ExInitializeNPagedLookasideList(&list, NULL, NULL, 0, 64, 'kooL', 0);
    entry = ExAllocateFromNPagedLookasideList(&list);
    if (entry != NULL) {
        ExFreeToNPagedLookasideList(&list, (PVOID)entry);
        entry[4] = 1; /* the mistake */
    }
    ExDeleteNPagedLookasideList(&list);
}

static NTSTATUS NTAPI dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    if (major_of(Irp) == IRP_MJ_WRITE)
        make_mistake(Irp);
    return finish(Irp, STATUS_SUCCESS, 0);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    PDEVICE_OBJECT device;

    return make_broken(DriverObject, dispatch, &device);
}
