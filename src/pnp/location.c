/* SPDX-License-Identifier: MIT */
/*
 * Interfaces that the PnP manager asks a stack for, and the one that it uses
 * itself: where a device is, as it and each bus above it say
 * (DEVPKEY_Device_LocationPaths). No state.
 */
#include "pnp/property.h"

#define LONGEST_PATH 400

/* Rules: PNP-08. */
NTSTATUS pnp_query_interface(PDEVICE_OBJECT device, const GUID *type, INTERFACE *interface, USHORT size,
                             USHORT version, PVOID specific)
{
    IO_STACK_LOCATION location = {.MajorFunction = IRP_MJ_PNP, .MinorFunction = IRP_MN_QUERY_INTERFACE};
    location.Parameters.QueryInterface.InterfaceType = type;
    /* PNP-08: who answers writes no more than that. */
    location.Parameters.QueryInterface.Size = size;
    /* PNP-08: which form of it is wanted. */
    location.Parameters.QueryInterface.Version = version;
    /* PNP-08: where it is wanted. */
    location.Parameters.QueryInterface.Interface = interface;
    location.Parameters.QueryInterface.InterfaceSpecificData = specific;
    return pnp_send(device, &location, NULL);
}

void pnp_release_interface(const INTERFACE *interface)
{
    if (!interface->InterfaceDereference)
        return;
    uint64_t cookie = ke_callout_enter("InterfaceDereference", interface->InterfaceDereference);
    /* SR-53: who answered has referenced it. */
    interface->InterfaceDereference(interface->Context);
    ke_callout_leave("InterfaceDereference", interface->InterfaceDereference, cookie);
}

static NTSTATUS get_strings(const PNP_LOCATION_INTERFACE *interface, PWCHAR *strings)
{
    uint64_t cookie = ke_callout_enter("GetLocationString", interface->GetLocationString);
    NTSTATUS status = interface->GetLocationString(interface->Context, strings);
    ke_callout_leave("GetLocationString", interface->GetLocationString, cookie);
    return status;
}

/* What the node's stack says of its place on its bus: the first string. false: nothing. */
static bool own_location(const struct pnp_node *node, WCHAR *text, size_t room)
{
    static const GUID type = {0x70211B0E, 0x0AFB, 0x47DB, {0xAF, 0xC1, 0x41, 0x0B, 0xF8, 0x42, 0x49, 0x7A}};
    PNP_LOCATION_INTERFACE interface = {0};
    PWCHAR strings = NULL;
    NTSTATUS status =
        pnp_query_interface(node->pdo, &type, (INTERFACE *)&interface, sizeof(interface), 1, NULL);
    if (!NT_SUCCESS(status) || !interface.GetLocationString)
        return false;
    status = get_strings(&interface, &strings);
    bool fits = NT_SUCCESS(status) && strings &&
                pnp_join(text, room, (const WCHAR *const[]){(const WCHAR *)strings}, 1);
    if (NT_SUCCESS(status) && strings)
        mm_pool_free(strings, 0, own_location);
    pnp_release_interface((INTERFACE *)&interface);
    return fits;
}

/* One path, as a list: "BUS(0)#CHILD(3)". STATUS_OBJECT_NAME_NOT_FOUND: its stack says nothing. */
NTSTATUS pnp_answer_location(const struct pnp_node *node, struct pnp_answer *a)
{
    WCHAR path[LONGEST_PATH] = {0}, longer[LONGEST_PATH], own[PNP_ID_CHARS];
    for (; node->parent && own_location(node, own, countof(own)); node = node->parent) {
        const WCHAR *const parts[] = {own, path[0] ? u"#" : u"", path};
        if (!pnp_join(longer, countof(longer), parts, countof(parts)))
            return STATUS_NAME_TOO_LONG;
        __builtin_memcpy(path, longer, sizeof(path));
    }
    if (!path[0])
        return STATUS_OBJECT_NAME_NOT_FOUND;
    a->size = (ULONG)((rtl_wcslen(path) + 2) * sizeof(WCHAR));
    WCHAR *list = mm_alloc(a->size, PNP_TAG);
    if (!list)
        return STATUS_INSUFFICIENT_RESOURCES;
    __builtin_memset(list, 0, a->size);
    __builtin_memcpy(list, path, rtl_wcslen(path) * sizeof(WCHAR));
    a->data = a->owned = list;
    return STATUS_SUCCESS;
}
