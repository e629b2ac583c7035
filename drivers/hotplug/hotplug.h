/* SPDX-License-Identifier: MIT */
/* The bus and the devices on it: two kinds of device objects of one driver. */
#ifndef HOTPLUG_H
#define HOTPLUG_H

#include <initguid.h>
#include <ntddk.h>

#define HOTPLUG_TAG 'ptoH'

/* {6B1FC2A0-5A0E-4B59-9E3E-7F6C3D1A0021} and ...22 */
DEFINE_GUID(GUID_HOTPLUG_BUS, 0x6B1FC2A0, 0x5A0E, 0x4B59, 0x9E, 0x3E, 0x7F, 0x6C, 0x3D, 0x1A, 0x00, 0x21);
DEFINE_GUID(GUID_HOTPLUG_BUTTON, 0x6B1FC2A0, 0x5A0E, 0x4B59, 0x9E, 0x3E, 0x7F, 0x6C, 0x3D, 0x1A, 0x00, 0x22);

/* To the bus, 0x222000..: a button is plugged, pulled out, pressed. To a button, 0x22200C: somebody wants it
 * out. */
#define IOCTL_PLUG   CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)
#define IOCTL_PULL   CTL_CODE(FILE_DEVICE_UNKNOWN, 0x801, METHOD_BUFFERED, FILE_ANY_ACCESS)
#define IOCTL_PRESS  CTL_CODE(FILE_DEVICE_UNKNOWN, 0x802, METHOD_BUFFERED, FILE_ANY_ACCESS)
#define IOCTL_LET_GO CTL_CODE(FILE_DEVICE_UNKNOWN, 0x803, METHOD_BUFFERED, FILE_ANY_ACCESS)

struct common {
    BOOLEAN is_bus;
};

struct bus {
    struct common common;
    PDEVICE_OBJECT self, pdo, lower;
    IO_REMOVE_LOCK remove_lock;
    UNICODE_STRING link;
    FAST_MUTEX lock;       /* guards what follows */
    struct button *button; /* NULL: nothing is plugged */
    LIST_ENTRY all;        /* buttons whose device objects were not deleted */
    ULONG serial;
};

struct button {
    struct common common;
    PDEVICE_OBJECT self;
    struct bus *bus;
    LIST_ENTRY link;                    /* with the next two guarded by the bus's lock */
    BOOLEAN reported, missing, deleted; /* missing: reported as gone */
    ULONG serial;
    UNICODE_STRING name; /* of its interface; NULL buffer: not registered yet */
    BOOLEAN started;
    IO_CSQ queue; /* reads, which wait for the button to be pressed */
    LIST_ENTRY reads;
    KSPIN_LOCK reads_lock;
};

static inline NTSTATUS complete(PIRP Irp, NTSTATUS status, ULONG_PTR information)
{
    Irp->IoStatus.Status = status;
    Irp->IoStatus.Information = information;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return status;
}

/* hotplug.c, with the bus's lock held: it is to be deleted now, by the caller. */
BOOLEAN forget(struct button *button);

void init_button(struct button *button, PDEVICE_OBJECT self, struct bus *bus);
void end_reads(struct button *button, PFILE_OBJECT file, NTSTATUS status);
NTSTATUS button_read(struct button *button, PIRP Irp);
NTSTATUS button_control(struct button *button, PIRP Irp);
NTSTATUS button_pnp(struct button *button, PIRP Irp);
NTSTATUS button_power(struct button *button, PIRP Irp);

#endif
