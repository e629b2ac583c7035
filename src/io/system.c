/* SPDX-License-Identifier: MIT */
/* Start and end of the I/O manager; what drivers read of it: object types, counts of devices, the driver
 * model's version. */
#include "io/private.h"

struct io_ops io_ops;

EXPORT_DATA(ntoskrnl, IoFileObjectType)
POBJECT_TYPE IoFileObjectType;

EXPORT_DATA(ntoskrnl, IoDeviceObjectType)
POBJECT_TYPE IoDeviceObjectType;

EXPORT_DATA(ntoskrnl, IoDriverObjectType)
POBJECT_TYPE IoDriverObjectType;

static KSPIN_LOCK vpb_lock;

/* Guards mounted volumes. IRQL: <= DISPATCH_LEVEL, returns at DISPATCH_LEVEL. */
EXPORT(ntoskrnl, IoAcquireVpbSpinLock, PASSIVE_LEVEL, DISPATCH_LEVEL, X_RAISES_IRQL)
VOID NTAPI IoAcquireVpbSpinLock(PKIRQL Irql)
{
    *Irql = KeAcquireSpinLockRaiseToDpc(&vpb_lock);
}

EXPORT(ntoskrnl, IoReleaseVpbSpinLock, DISPATCH_LEVEL, DISPATCH_LEVEL, X_RAISES_IRQL)
VOID NTAPI IoReleaseVpbSpinLock(KIRQL Irql)
{
    KeReleaseSpinLock(&vpb_lock, Irql);
}

/* WDM 6.0 is what Windows Vista and every later version say. IRQL: PASSIVE_LEVEL. */
EXPORT(ntoskrnl, IoIsWdmVersionAvailable, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
BOOLEAN NTAPI IoIsWdmVersionAvailable(UCHAR MajorVersion, UCHAR MinorVersion)
{
    return MajorVersion < 6 || (MajorVersion == 6 && MinorVersion == 0);
}

static CONFIGURATION_INFORMATION configuration; /* the drivers' own; a new machine begins with none */

/* Counts of disks, ports and so on that drivers keep by themselves. IRQL: PASSIVE_LEVEL. */
EXPORT(ntoskrnl, IoGetConfigurationInformation, PASSIVE_LEVEL, PASSIVE_LEVEL, X_PLAIN)
PCONFIGURATION_INFORMATION NTAPI IoGetConfigurationInformation(VOID)
{
    return &configuration;
}

/* What a former machine of this process left: a bug check stops it anywhere. */
static void forget_former_machine(void)
{
    vpb_lock = 0;
    io_cancel_reset();
    io_device_security_reset();
    io_reinitialize_reset();
    io_shutdown_reset();
    io_error_log_reset();
    io_controllers_reset();
    io_remove_locks_reset();
    io_export_drivers_reset();
    io_interrupts_reset();
    configuration = (CONFIGURATION_INFORMATION){.Version = sizeof(configuration)};
}

NTSTATUS io_init(void)
{
    forget_former_machine();
    NTSTATUS(*const inits[])
    (void) = {io_driver_type_init, io_device_type_init, io_file_type_init, io_port_init};
    for (size_t i = 0; i < countof(inits); i++) {
        NTSTATUS status = inits[i]();
        if (!NT_SUCCESS(status))
            return status;
    }
    IoFileObjectType = ob_type_object(io_file_type);
    IoDeviceObjectType = ob_type_object(io_device_type);
    IoDriverObjectType = ob_type_object(io_driver_type);
    ps_callouts = (struct ps_callouts){io_thread_exiting, io_cancel_own_requests, io_frames_abandoned};
    return STATUS_SUCCESS;
}

void io_fini(void)
{
    ps_callouts = (struct ps_callouts){0};
    io_irp_fini();
}
