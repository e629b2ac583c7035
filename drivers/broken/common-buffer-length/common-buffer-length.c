/* SPDX-License-Identifier: MIT */
/* common-buffer-length: a mistake on purpose. A common buffer is freed with another length. */
#include "../broken.h"

static NTSTATUS NTAPI dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    DEVICE_DESCRIPTION description = {.Version = 1, .Master = TRUE, .MaximumLength = PAGE_SIZE};
    PHYSICAL_ADDRESS logical;
    PADAPTER_OBJECT adapter;
    ULONG registers;
    PVOID buffer;

    if (major_of(Irp) == IRP_MJ_DEVICE_CONTROL) {
        adapter = (PADAPTER_OBJECT)HalGetAdapter(&description, &registers);
        buffer = HalAllocateCommonBuffer(adapter, 100, &logical, TRUE);
        HalFreeCommonBuffer(adapter, PAGE_SIZE, logical, buffer, TRUE); /* the mistake */
    }
    return finish(Irp, STATUS_SUCCESS, 0);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    PDEVICE_OBJECT device;

    return make_broken(DriverObject, dispatch, &device);
}
