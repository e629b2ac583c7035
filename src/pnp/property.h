/* SPDX-License-Identifier: MIT */
/* Answers about a device, for IoGetDeviceProperty and for the property keys that say the same. */
#ifndef PNP_PROPERTY_H
#define PNP_PROPERTY_H

#include "pnp/notify_private.h"
#include "pnp/resource.h"

struct pnp_answer {
    const void *data;
    ULONG size;
    void *owned; /* mm_alloc'd, or NULL */
    union {
        ULONG number;
        DEVPROP_BOOLEAN yes;
    } room;
};

/* STATUS_OBJECT_NAME_NOT_FOUND: the device has none. STATUS_INVALID_PARAMETER_2: no such property. */
NTSTATUS pnp_answer(const struct pnp_node *node, DEVICE_REGISTRY_PROPERTY property,
                    struct pnp_answer *answer);
/* Copies it if it fits; frees it. */
NTSTATUS pnp_answer_give(struct pnp_answer *answer, NTSTATUS status, ULONG room, void *buffer, ULONG *size);
/* location.c */
NTSTATUS pnp_answer_location(const struct pnp_node *node, struct pnp_answer *answer);

#endif
