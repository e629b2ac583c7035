/* SPDX-License-Identifier: MIT */
/* endless-calls: a mistake on purpose. The write routine asks again and again for the state of an event
 * that nobody sets.
 */
#include "../broken.h"

static KEVENT event;

static NTSTATUS NTAPI dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UCHAR major = major_of(Irp);

    if (major == IRP_MJ_WRITE) {
        KeInitializeEvent(&event, NotificationEvent, FALSE);
        while (KeReadStateEvent(&event) == 0) /* the mistake: nobody ever sets it */
            ;
    }
    return finish(Irp, STATUS_SUCCESS, 0);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    PDEVICE_OBJECT device;

    return make_broken(DriverObject, dispatch, &device);
}
