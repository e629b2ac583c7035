/* SPDX-License-Identifier: MIT */
/*
 * passive-lock: a mistake on purpose. A passive-level interrupt has an event in place of a spin lock, and
 * KeAcquireInterruptSpinLock is called for it.
 */
#include "../interrupt.h"

static PDEVICE_OBJECT device;

static BOOLEAN NTAPI isr(PKINTERRUPT Interrupt, PVOID ServiceContext)
{
    return FALSE;
}

static NTSTATUS NTAPI dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    if (major_of(Irp) == IRP_MJ_DEVICE_CONTROL) {
        KIRQL irql = KeAcquireInterruptSpinLock(interrupt); /* the mistake */
        KeReleaseInterruptSpinLock(interrupt, irql);
    }
    return finish(Irp, STATUS_SUCCESS, 0);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    IO_CONNECT_INTERRUPT_PARAMETERS p = {.Version = CONNECT_FULLY_SPECIFIED};
    KIRQL irql;
    NTSTATUS status = make_broken(DriverObject, dispatch, &device);

    if (!NT_SUCCESS(status))
        return status;
    DriverObject->DriverUnload = disconnect_and_delete;
    p.FullySpecified.PhysicalDeviceObject = device;
    p.FullySpecified.InterruptObject = &interrupt;
    p.FullySpecified.ServiceRoutine = isr;
    p.FullySpecified.Vector =
        HalGetInterruptVector(Isa, 0, 5, 5, &irql, &p.FullySpecified.ProcessorEnableMask);
    p.FullySpecified.InterruptMode = LevelSensitive;
    status = IoConnectInterruptEx(&p);
    if (!NT_SUCCESS(status))
        IoDeleteDevice(device);
    return status;
}
