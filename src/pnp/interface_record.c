/* SPDX-License-Identifier: MIT */
/*
 * Registered device interfaces: the registry's keys, which stay, and the
 * records of those whose device is there. Every record is in one list under
 * the interfaces' lock, and holds its node.
 */
#include "pnp/notify_private.h"

LIST_ENTRY pnp_interfaces;

/* The lock is held. */
struct pnp_interface *pnp_interface_find(const UNICODE_STRING *name)
{
    for (LIST_ENTRY *at = pnp_interfaces.Flink; at != &pnp_interfaces; at = at->Flink) {
        struct pnp_interface *interface = container_of(at, struct pnp_interface, link);
        UNICODE_STRING own, asked = *name;
        rtl_init_string(&own, interface->name);
        if (asked.Length < 4 * sizeof(WCHAR))
            return NULL;
        /* Behind the prefix, which has more than one spelling. */
        own = (UNICODE_STRING){own.Length - 8, own.Length - 8, own.Buffer + 4};
        asked = (UNICODE_STRING){asked.Length - 8, asked.Length - 8, asked.Buffer + 4};
        if (rtl_equal_nocase(&own, &asked))
            return interface;
    }
    return NULL;
}

/* Takes over the name. The lock is held. */
static struct pnp_interface *add(struct pnp_node *node, const GUID *class, WCHAR *name)
{
    struct pnp_interface *interface = mm_alloc(sizeof(*interface), PNP_TAG);
    if (!interface)
        return NULL;
    interface->node = node;
    interface->class = *class;
    interface->name = name;
    pnp_reference(node);
    list_insert_tail(&pnp_interfaces, &interface->link);
    return interface;
}

void pnp_interface_drop(struct pnp_interface *interface)
{
    list_remove(&interface->link);
    pnp_dereference(interface->node);
    mm_free(interface->name);
    mm_free(interface);
}

static NTSTATUS set_text(const WCHAR *key, const WCHAR *name, const WCHAR *text)
{
    return cm_set_value(key, name, REG_SZ, text, (ULONG)((rtl_wcslen(text) + 1) * sizeof(WCHAR)));
}

bool pnp_interface_known(const struct pnp_link *link)
{
    WCHAR path[PNP_INTERFACE_CHARS];
    return pnp_link_key(link, true, NULL, path, countof(path)) && cm_key_exists(path);
}

/* Its keys. Rules: DO-56. */
static NTSTATUS write_registration(const struct pnp_node *node, const struct pnp_link *link, WCHAR *name)
{
    WCHAR path[PNP_INTERFACE_CHARS];
    if (!pnp_link_key(link, false, NULL, path, countof(path)))
        return STATUS_NAME_TOO_LONG;
    NTSTATUS status = set_text(path, u"DeviceInstance", node->instance_path);
    if (!NT_SUCCESS(status) || !pnp_link_key(link, true, NULL, path, countof(path)))
        return NT_SUCCESS(status) ? STATUS_NAME_TOO_LONG : status;
    name[1] = '\\'; /* as user mode spells it */
    /* DO-56: it stays registered. */
    status = set_text(path, u"SymbolicLink", name);
    name[1] = '?';
    return status;
}

NTSTATUS pnp_interface_register(struct pnp_node *node, const GUID *class, const UNICODE_STRING *reference,
                                WCHAR **name)
{
    struct pnp_link link;
    UNICODE_STRING text;
    *name = pnp_link_make(node->instance_path, class, reference);
    if (!*name)
        return STATUS_INSUFFICIENT_RESOURCES;
    rtl_init_string(&text, *name);
    if (!pnp_link_parse(&text, &link))
        return STATUS_INVALID_DEVICE_REQUEST;
    /* DO-56: a name that is known already. */
    NTSTATUS status =
        pnp_interface_known(&link) ? STATUS_OBJECT_NAME_EXISTS : write_registration(node, &link, *name);
    pnp_interfaces_lock();
    if (NT_SUCCESS(status) && !pnp_interface_find(&text)) {
        WCHAR *own = pnp_copy_text(*name);
        if (!own || !add(node, class, own)) {
            mm_free(own);
            status = STATUS_INSUFFICIENT_RESOURCES;
        }
    }
    pnp_interfaces_unlock();
    return status;
}

static bool has_separator(const UNICODE_STRING *text)
{
    for (USHORT i = 0; i < text->Length / sizeof(WCHAR); i++)
        if (text->Buffer[i] == '\\' || text->Buffer[i] == '/')
            return true;
    return false;
}

/*
 * Registers a class of interface for a device and gives the name of its link. STATUS_OBJECT_NAME_EXISTS (a
 * success): it was registered. STATUS_INVALID_DEVICE_REQUEST: no PDO, or a separator in the reference string.
 * Owns: the caller owns the buffer (RtlFreeUnicodeString). IRQL: PASSIVE_LEVEL. Rules: DO-56.
 */
EXPORT(ntoskrnl, IoRegisterDeviceInterface, PASSIVE_LEVEL, PASSIVE_LEVEL, X_PLAIN)
NTSTATUS NTAPI IoRegisterDeviceInterface(PDEVICE_OBJECT PhysicalDeviceObject, const GUID *InterfaceClassGuid,
                                         PUNICODE_STRING ReferenceString, PUNICODE_STRING SymbolicLinkName)
{
    struct pnp_node *node = pnp_node_of(PhysicalDeviceObject);
    WCHAR *name = NULL;
    if (!node || !node->instance_path || (ReferenceString && has_separator(ReferenceString)))
        return STATUS_INVALID_DEVICE_REQUEST;
    NTSTATUS status = pnp_interface_register(node, InterfaceClassGuid, ReferenceString, &name);
    if (NT_SUCCESS(status)) {
        size_t bytes = (rtl_wcslen(name) + 1) * sizeof(WCHAR);
        WCHAR *given = mm_pool_allocate(PagedPool, bytes, PNP_TAG, false, __builtin_return_address(0));
        if (given)
            __builtin_memcpy(given, name, bytes);
        else
            status = STATUS_INSUFFICIENT_RESOURCES;
        if (given)
            rtl_init_string(SymbolicLinkName, given);
    }
    mm_free(name);
    return status;
}

/* ---- what an installation registered ---- */

struct search {
    const WCHAR *instance;
    struct pnp_node *found;
};

static void match_instance(struct pnp_node *node, void *context)
{
    struct search *search = context;
    if (search->found || node->state == PNP_DELETED || !node->instance_path ||
        !pnp_same_text(node->instance_path, search->instance))
        return;
    pnp_reference(node);
    search->found = node;
}

/* A record for what an installation registered, if its device is there. The lock is held. */
struct pnp_interface *pnp_interface_find_registered(const UNICODE_STRING *name)
{
    WCHAR path[PNP_INTERFACE_CHARS], *own = NULL, *instance;
    struct pnp_link link;
    struct search search = {0};
    struct pnp_interface *interface = NULL;
    if (!pnp_link_parse(name, &link) || !pnp_interface_known(&link) ||
        !pnp_link_key(&link, false, NULL, path, countof(path)))
        return NULL;
    instance = pnp_read_list(path, u"DeviceInstance");
    search.instance = instance;
    if (instance)
        pnp_for_each(match_instance, &search);
    mm_free(instance);
    if (search.found) {
        UNICODE_STRING reference = {(USHORT)(link.reference_chars * 2), (USHORT)(link.reference_chars * 2),
                                    (WCHAR *)link.reference};
        own = pnp_link_make(search.found->instance_path, &link.class, &reference);
        interface = own ? add(search.found, &link.class, own) : NULL;
        if (!interface)
            mm_free(own);
        pnp_dereference(search.found);
    }
    return interface;
}
