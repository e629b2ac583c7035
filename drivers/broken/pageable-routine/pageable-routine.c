/* SPDX-License-Identifier: MIT */
/* pageable-routine: a mistake on purpose. A driver passes a request down with a completion routine in a
 * pageable section.
 */
#include "../broken.h"

static PDEVICE_OBJECT lower;

static __attribute__((section("PAGE"))) NTSTATUS NTAPI done(PDEVICE_OBJECT DeviceObject, PIRP Irp,
                                                            PVOID Context)
{
    if (Irp->PendingReturned)
        IoMarkIrpPending(Irp);
    return STATUS_SUCCESS;
}

static NTSTATUS NTAPI dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    if (DeviceObject == lower || major_of(Irp) != IRP_MJ_WRITE)
        return finish(Irp, STATUS_SUCCESS, 0);
    IoCopyCurrentIrpStackLocationToNext(Irp);
    IoSetCompletionRoutine(Irp, done, NULL, TRUE, TRUE, TRUE); /* the mistake */
    return IoCallDriver(lower, Irp);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    PDEVICE_OBJECT upper;
    NTSTATUS status = make_broken(DriverObject, dispatch, &upper);

    if (NT_SUCCESS(status))
        status = IoCreateDevice(DriverObject, 0, NULL, FILE_DEVICE_UNKNOWN, FILE_DEVICE_SECURE_OPEN, FALSE,
                                &lower);
    if (NT_SUCCESS(status))
        upper->StackSize = lower->StackSize + 1;
    return status;
}
