/* SPDX-License-Identifier: MIT */
/*
 * Looking for device interfaces: those of a class, those of a device, another
 * class of the same device; and the registry key of one.
 */
#include "cm/routines.h"
#include "pnp/notify_private.h"

/* A REG_MULTI_SZ that grows. */
struct list {
    WCHAR *text; /* mm_alloc'd */
    size_t chars, room;
    NTSTATUS status;
};

static void add_chars(struct list *list, const WCHAR *text, size_t chars)
{
    if (!NT_SUCCESS(list->status))
        return;
    if (list->chars + chars > list->room) {
        size_t room = 2 * list->room + chars + 128;
        WCHAR *larger = mm_alloc(room * sizeof(WCHAR), PNP_TAG);
        if (!larger) {
            list->status = STATUS_INSUFFICIENT_RESOURCES;
            return;
        }
        if (list->chars)
            __builtin_memcpy(larger, list->text, list->chars * sizeof(WCHAR));
        mm_free(list->text);
        list->text = larger;
        list->room = room;
    }
    __builtin_memcpy(list->text + list->chars, text, chars * sizeof(WCHAR));
    list->chars += chars;
}

static void list_enabled(struct list *list, const GUID *class, const struct pnp_node *node)
{
    pnp_interfaces_lock();
    for (LIST_ENTRY *at = pnp_interfaces.Flink; at != &pnp_interfaces; at = at->Flink) {
        const struct pnp_interface *interface = container_of(at, struct pnp_interface, link);
        if (interface->enabled && interface->announced && pnp_same_guid(&interface->class, class) &&
            (!node || interface->node == node))
            add_chars(list, interface->name, rtl_wcslen(interface->name) + 1);
    }
    pnp_interfaces_unlock();
}

static bool is_of_node(const WCHAR *key, const struct pnp_node *node)
{
    WCHAR *instance = node ? pnp_read_list(key, u"DeviceInstance") : NULL;
    bool is = !node || (instance && pnp_same_text(instance, node->instance_path));
    mm_free(instance);
    return is;
}

/* The instances below a device's key. */
static void list_instances(struct list *list, WCHAR *key, size_t room)
{
    size_t end = rtl_wcslen(key);
    key[end] = '\\';
    for (ULONG i = 0; end + 1 < room; i++) {
        key[end] = 0;
        WCHAR name[CM_NAME_CHARS];
        if (!NT_SUCCESS(cm_subkey_name(key, i, name, countof(name))))
            break;
        if (name[0] != '#' || end + 1 + rtl_wcslen(name) + 1 > room)
            continue;
        key[end] = '\\';
        __builtin_memcpy(key + end + 1, name, (rtl_wcslen(name) + 1) * sizeof(WCHAR));
        WCHAR *link = pnp_read_list(key, u"SymbolicLink");
        if (link) {
            link[1] = '?'; /* \\?\ as the kernel spells it */
            add_chars(list, link, rtl_wcslen(link) + 1);
            mm_free(link);
        }
    }
    key[end] = 0;
}

static void list_registered(struct list *list, const GUID *class, const struct pnp_node *node)
{
    WCHAR class_key[PNP_INTERFACE_CHARS], key[PNP_INTERFACE_CHARS], name[CM_NAME_CHARS];
    if (!pnp_class_key(class, class_key, countof(class_key)))
        return;
    for (ULONG i = 0; NT_SUCCESS(cm_subkey_name(class_key, i, name, countof(name))); i++) {
        const WCHAR *const parts[] = {class_key, u"\\", name};
        if (pnp_join(key, countof(key), parts, countof(parts)) && is_of_node(key, node))
            list_instances(list, key, countof(key));
    }
}

NTSTATUS pnp_interface_list(const GUID *class, struct pnp_node *node, bool all, const void *caller,
                            WCHAR **names)
{
    struct list list = {0};
    if (all)
        /* DO-56: whatever is registered. */
        list_registered(&list, class, node);
    else
        list_enabled(&list, class, node);
    add_chars(&list, u"\0", list.chars ? 1 : 2);
    *names = NT_SUCCESS(list.status)
                 ? mm_pool_allocate(PagedPool, list.chars * sizeof(WCHAR), PNP_TAG, false, caller)
                 : NULL;
    if (*names)
        __builtin_memcpy(*names, list.text, list.chars * sizeof(WCHAR));
    mm_free(list.text);
    return *names ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
}

/*
 * The enabled interfaces of a class, or with DEVICE_INTERFACE_INCLUDE_NONACTIVE all that are registered; of
 * one device if a PDO is given. An empty list is an answer. STATUS_INVALID_DEVICE_REQUEST: no PDO. Owns: the
 * caller, the list (ExFreePool). IRQL: PASSIVE_LEVEL.
 */
EXPORT(ntoskrnl, IoGetDeviceInterfaces, PASSIVE_LEVEL, PASSIVE_LEVEL, X_BLOCKS)
NTSTATUS NTAPI IoGetDeviceInterfaces(const GUID *InterfaceClassGuid, PDEVICE_OBJECT PhysicalDeviceObject,
                                     ULONG Flags, PWSTR *SymbolicLinkList)
{
    struct pnp_node *node = PhysicalDeviceObject ? pnp_node_of(PhysicalDeviceObject) : NULL;
    *SymbolicLinkList = NULL;
    if (PhysicalDeviceObject && (!node || !node->instance_path))
        return STATUS_INVALID_DEVICE_REQUEST;
    return pnp_interface_list(InterfaceClassGuid, node, Flags & DEVICE_INTERFACE_INCLUDE_NONACTIVE,
                              __builtin_return_address(0), SymbolicLinkList);
}

/*
 * The interface of another class that the same device has with the same reference string.
 * STATUS_INVALID_HANDLE: no name of an interface; STATUS_OBJECT_NAME_NOT_FOUND: it has none. Owns: the caller
 * owns the buffer (RtlFreeUnicodeString). IRQL: PASSIVE_LEVEL.
 */
EXPORT(ntoskrnl, IoGetDeviceInterfaceAlias, PASSIVE_LEVEL, PASSIVE_LEVEL, X_PLAIN)
NTSTATUS NTAPI IoGetDeviceInterfaceAlias(PUNICODE_STRING SymbolicLinkName,
                                         const GUID *AliasInterfaceClassGuid,
                                         PUNICODE_STRING AliasSymbolicLinkName)
{
    struct pnp_link link, alias;
    WCHAR guid[39];
    if (!pnp_link_parse(SymbolicLinkName, &link) || !pnp_interface_known(&link))
        return STATUS_INVALID_HANDLE;
    WCHAR *name = mm_pool_allocate(PagedPool, SymbolicLinkName->Length + sizeof(WCHAR), PNP_TAG, false,
                                   __builtin_return_address(0));
    if (!name || !pnp_guid_text(AliasInterfaceClassGuid, guid)) {
        if (name)
            mm_pool_free(name, 0, IoGetDeviceInterfaceAlias);
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    __builtin_memcpy(name, SymbolicLinkName->Buffer, SymbolicLinkName->Length);
    name[SymbolicLinkName->Length / sizeof(WCHAR)] = 0;
    name[1] = '?';
    name[2] = '?';
    /* The same device and reference string. */
    __builtin_memcpy(name + (link.guid - SymbolicLinkName->Buffer), guid, 38 * sizeof(WCHAR));
    rtl_init_string(AliasSymbolicLinkName, name);
    if (pnp_link_parse(AliasSymbolicLinkName, &alias) && pnp_interface_known(&alias))
        return STATUS_SUCCESS;
    *AliasSymbolicLinkName = (UNICODE_STRING){0};
    mm_pool_free(name, 0, IoGetDeviceInterfaceAlias);
    return STATUS_OBJECT_NAME_NOT_FOUND;
}
