/* SPDX-License-Identifier: MIT */
/* thread-irql: a mistake on purpose. A thread's start routine returns at APC_LEVEL. */
#include "../broken.h"

static VOID NTAPI run(PVOID Context)
{
    KIRQL irql;

    KeRaiseIrql(APC_LEVEL, &irql); /* the mistake: no KeLowerIrql */
}

static NTSTATUS NTAPI dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UCHAR major = major_of(Irp);

    if (major == IRP_MJ_WRITE) {
        HANDLE thread;

        PsCreateSystemThread(&thread, THREAD_ALL_ACCESS, NULL, NULL, NULL, run, NULL);
        ZwWaitForSingleObject(thread, FALSE, NULL);
    }
    return finish(Irp, STATUS_SUCCESS, 0);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    PDEVICE_OBJECT device;

    return make_broken(DriverObject, dispatch, &device);
}
