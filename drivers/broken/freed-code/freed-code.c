/* SPDX-License-Identifier: MIT */
/* freed-code: a mistake on purpose. It calls a routine that it had copied into pool, after freeing the block.
 */
#include "../broken.h"

static ULONG (*volatile routine)(ULONG);

static DECLSPEC_NOINLINE ULONG_PTR make_mistake(PIRP Irp)
{
    PUCHAR code = ExAllocatePoolWithTag(NonPagedPool, 16, 'edoC');

    if (code == NULL)
        return 0;
    RtlFillMemory(code, 16, 0xC3);
    routine = (ULONG(*)(ULONG))(ULONG_PTR)code;
    ExFreePoolWithTag(code, 'edoC');
    return routine(1) + 1; /* the mistake */
}

static NTSTATUS NTAPI dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    if (major_of(Irp) == IRP_MJ_WRITE)
        Irp->IoStatus.Information = make_mistake(Irp);
    return finish(Irp, STATUS_SUCCESS, 0);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    PDEVICE_OBJECT device;

    return make_broken(DriverObject, dispatch, &device);
}
