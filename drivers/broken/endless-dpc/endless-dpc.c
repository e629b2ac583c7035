/* SPDX-License-Identifier: MIT */
/* endless-dpc: a mistake on purpose. A DPC routine waits for a variable that nobody sets. */
#include "../broken.h"

static volatile ULONG turns, wanted = 1;

static VOID spin(void)
{
    while (wanted != 0) /* the mistake: nobody ever clears it */
        turns += 3;
}

static KDPC dpc;

static VOID NTAPI deferred(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    spin();
}

static NTSTATUS NTAPI dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UCHAR major = major_of(Irp);

    if (major == IRP_MJ_WRITE) {
        KeInitializeDpc(&dpc, deferred, NULL);
        KeInsertQueueDpc(&dpc, NULL, NULL);
    }
    return finish(Irp, STATUS_SUCCESS, 0);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    PDEVICE_OBJECT device;

    return make_broken(DriverObject, dispatch, &device);
}
