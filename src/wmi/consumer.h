/* SPDX-License-Identifier: MIT */
/* Data block objects: what IoWMIOpenBlock gives to drivers that are data consumers. */
#ifndef WMI_CONSUMER_H
#define WMI_CONSUMER_H

#include "wmi/private.h"

struct wmi_consumer {
    LIST_ENTRY link; /* in the class'; wmi_lock; not linked: Flink is NULL */
    struct wmi_class *class;
    ULONG access; /* WMIGUID_... */
    bool collects;
    WMI_NOTIFICATION_CALLBACK callback; /* wmi_lock */
    PVOID context;
};

/* STATUS_OBJECT_TYPE_MISMATCH, STATUS_ACCESS_DENIED: it was not opened for that. */
NTSTATUS wmi_consumer_of(PVOID object, ULONG access, struct wmi_consumer **consumer);

#endif
