/* SPDX-License-Identifier: MIT */
/* The bus driver's two kinds of device objects. */
#ifndef TRIO_BUS_H
#define TRIO_BUS_H

#include <ntddk.h>
#include "trio.h"

#define TRIO_TAG 'oirT'

/* Both extensions begin with it: one dispatch table serves both. */
struct common {
    BOOLEAN is_bus;
};

/* A child: the bus's device object (PDO) for what is in a slot. */
struct child {
    struct common common;
    PDEVICE_OBJECT self;
    struct bus *bus;
    ULONG slot, serial;
    /* Guarded by the bus's lock: */
    LIST_ENTRY link;
    BOOLEAN present;  /* it is in its slot */
    BOOLEAN reported; /* the PnP manager knows it, and will remove it */
    BOOLEAN missing;  /* and has been told that it is gone */
    BOOLEAN deleted;  /* once is enough, although it may be removed again while somebody refers to it */
};

struct bus {
    struct common common;
    PDEVICE_OBJECT self, pdo, lower;
    IO_REMOVE_LOCK remove_lock;
    UNICODE_STRING link;
    FAST_MUTEX lock;     /* guards what follows */
    LIST_ENTRY children; /* all that were not deleted, in a slot or not */
    struct child *slots[TRIO_SLOTS];
    ULONG serial;
};

NTSTATUS plug(struct bus *bus, ULONG slot, PULONG serial);
NTSTATUS unplug(struct bus *bus, ULONG slot);
void delete_all(struct bus *bus);
NTSTATUS report_children(struct bus *bus, PIRP Irp);
NTSTATUS child_pnp(struct child *child, PIRP Irp);
NTSTATUS child_power(PIRP Irp, PDEVICE_OBJECT DeviceObject);

#endif
