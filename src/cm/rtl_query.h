/* SPDX-License-Identifier: MIT */
/* How RtlQueryRegistryValues hands a value to the driver. */
#ifndef CM_RTL_QUERY_H
#define CM_RTL_QUERY_H

#include "cm/rtl_registry.h"

struct cm_delivery {
    const RTL_QUERY_REGISTRY_TABLE *entry;
    PVOID context, environment;
    bool is_default; /* the entry's default: its type is not checked */
    PWSTR name;
    ULONG type;
    void *data;
    ULONG length;
};
NTSTATUS cm_deliver(const struct cm_delivery *delivery);
NTSTATUS cm_call_routine(const RTL_QUERY_REGISTRY_TABLE *entry, PVOID context, PWSTR name, ULONG type,
                         PVOID data, ULONG length);

#endif
