/* SPDX-License-Identifier: MIT */
/*
 * RtlQueryRegistryValues: a table of values to look up. Each entry either has
 * a routine that is called with the value (SR-52), or (DIRECT) a place to put
 * it. No lock is held when a routine is called: values are read one by one.
 */
#include "cm/rtl_query.h"
#include "rtl/rtl.h"

/* A value read from a key: KEY_VALUE_FULL_INFORMATION with room for a terminator behind the data; mm_free. */
struct found {
    KEY_VALUE_FULL_INFORMATION *info;
    WCHAR *name; /* zero-terminated copy, owned */
};

static void forget(struct found *found)
{
    if (found->info)
        mm_free(found->info);
    if (found->name)
        mm_free(found->name);
    *found = (struct found){0};
}

typedef NTSTATUS read_fn(HANDLE key, UNICODE_STRING *name, ULONG index, void *buffer, ULONG room,
                         ULONG *needed);

static NTSTATUS read_named(HANDLE key, UNICODE_STRING *name, ULONG index, void *buffer, ULONG room,
                           ULONG *needed)
{
    return ZwQueryValueKey(key, name, KeyValueFullInformation, buffer, room, needed);
}

static NTSTATUS read_indexed(HANDLE key, UNICODE_STRING *name, ULONG index, void *buffer, ULONG room,
                             ULONG *needed)
{
    return ZwEnumerateValueKey(key, index, KeyValueFullInformation, buffer, room, needed);
}

static NTSTATUS copy_name(struct found *found)
{
    found->name = mm_alloc(found->info->NameLength + sizeof(WCHAR), CM_TAG);
    if (!found->name)
        return STATUS_INSUFFICIENT_RESOURCES;
    memcpy(found->name, found->info->Name, found->info->NameLength);
    return STATUS_SUCCESS;
}

/* Reads until the room is enough: the value may grow meanwhile. */
static NTSTATUS read_value(read_fn *read, HANDLE key, UNICODE_STRING *name, ULONG index, struct found *found)
{
    ULONG room = 128, needed = 0;
    NTSTATUS status;
    *found = (struct found){0};
    do {
        if (found->info)
            mm_free(found->info);
        room = MAX(room, needed);
        found->info = mm_alloc(room + 2 * sizeof(WCHAR), CM_TAG);
        if (!found->info)
            return STATUS_INSUFFICIENT_RESOURCES;
        status = read(key, name, index, found->info, room, &needed);
    } while (status == STATUS_BUFFER_OVERFLOW || status == STATUS_BUFFER_TOO_SMALL);
    if (NT_SUCCESS(status))
        status = copy_name(found);
    if (!NT_SUCCESS(status))
        forget(found);
    return status;
}

/* ---- one query ---- */

struct query {
    HANDLE top, current; /* current: top, or the subkey that entries are for */
    PVOID context, environment;
};

static ULONG default_length(const RTL_QUERY_REGISTRY_TABLE *entry, ULONG type)
{
    const WCHAR *text = entry->DefaultData;
    if (entry->DefaultLength || !text)
        return entry->DefaultLength;
    if (type == REG_SZ || type == REG_EXPAND_SZ)
        return (ULONG)((rtl_wcslen(text) + 1) * sizeof(WCHAR));
    if (type != REG_MULTI_SZ)
        return 0;
    const WCHAR *at = text;
    while (*at)
        at += rtl_wcslen(at) + 1;
    return (ULONG)((char *)(at + 1) - (char *)text);
}

static NTSTATUS use_default(const struct query *query, const RTL_QUERY_REGISTRY_TABLE *entry)
{
    ULONG type = entry->DefaultType & 0xFF;
    if (type == REG_NONE)
        return STATUS_SUCCESS;
    struct cm_delivery delivery = {.entry = entry,
                                   .context = query->context,
                                   .environment = query->environment,
                                   .is_default = true,
                                   .name = entry->Name,
                                   .type = type,
                                   .data = entry->DefaultData,
                                   .length = default_length(entry, type)};
    return cm_deliver(&delivery);
}

static NTSTATUS deliver_found(const struct query *query, const RTL_QUERY_REGISTRY_TABLE *entry,
                              const struct found *found)
{
    struct cm_delivery delivery = {.entry = entry,
                                   .context = query->context,
                                   .environment = query->environment,
                                   .name = found->name,
                                   .type = found->info->Type,
                                   .data = (char *)found->info + found->info->DataOffset,
                                   .length = found->info->DataLength};
    return cm_deliver(&delivery);
}

static NTSTATUS query_one(const struct query *query, const RTL_QUERY_REGISTRY_TABLE *entry)
{
    struct found found;
    UNICODE_STRING name;
    rtl_init_string(&name, entry->Name);
    NTSTATUS status = query->current ? read_value(read_named, query->current, &name, 0, &found)
                                     : STATUS_OBJECT_NAME_NOT_FOUND;
    if (status == STATUS_OBJECT_NAME_NOT_FOUND)
        return (entry->Flags & RTL_QUERY_REGISTRY_REQUIRED) ? status : use_default(query, entry);
    if (!NT_SUCCESS(status))
        return status;
    status = deliver_found(query, entry, &found);
    if (NT_SUCCESS(status) && (entry->Flags & RTL_QUERY_REGISTRY_DELETE))
        ZwDeleteValueKey(query->current, &name);
    forget(&found);
    return status;
}

/* Name NULL: every value of the key. A value that is deleted makes the next one take its index. */
static NTSTATUS query_all(const struct query *query, const RTL_QUERY_REGISTRY_TABLE *entry)
{
    struct found found;
    ULONG index = 0, count = 0;
    NTSTATUS status = STATUS_SUCCESS;
    while (query->current && NT_SUCCESS(status)) {
        status = read_value(read_indexed, query->current, NULL, index, &found);
        if (!NT_SUCCESS(status))
            break;
        count++;
        status = deliver_found(query, entry, &found);
        if (NT_SUCCESS(status) && (entry->Flags & RTL_QUERY_REGISTRY_DELETE)) {
            UNICODE_STRING name = {(USHORT)found.info->NameLength, (USHORT)found.info->NameLength,
                                   found.name};
            ZwDeleteValueKey(query->current, &name);
        } else {
            index++;
        }
        forget(&found);
    }
    if (status == STATUS_NO_MORE_ENTRIES)
        status = STATUS_SUCCESS;
    if (NT_SUCCESS(status) && !count && (entry->Flags & RTL_QUERY_REGISTRY_REQUIRED))
        return STATUS_OBJECT_NAME_NOT_FOUND;
    return status;
}

/* ---- the table ---- */

static void back_to_top(struct query *query)
{
    if (query->current && query->current != query->top)
        ZwClose(query->current);
    query->current = query->top;
}

static NTSTATUS enter_subkey(struct query *query, const RTL_QUERY_REGISTRY_TABLE *entry)
{
    OBJECT_ATTRIBUTES attributes;
    UNICODE_STRING name;
    HANDLE key;
    if (!entry->Name)
        return STATUS_INVALID_PARAMETER;
    if (!query->top)
        return STATUS_OBJECT_NAME_NOT_FOUND;
    rtl_init_string(&name, entry->Name);
    InitializeObjectAttributes(&attributes, &name, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, query->top,
                               NULL);
    NTSTATUS status = ZwOpenKey(&key, MAXIMUM_ALLOWED, &attributes);
    if (NT_SUCCESS(status))
        query->current = key;
    return status;
}

static NTSTATUS process_entry(struct query *query, const RTL_QUERY_REGISTRY_TABLE *entry)
{
    bool direct = entry->Flags & RTL_QUERY_REGISTRY_DIRECT, subkey = entry->Flags & RTL_QUERY_REGISTRY_SUBKEY;
    if (direct && (!entry->Name || subkey || entry->QueryRoutine))
        return STATUS_INVALID_PARAMETER;
    if (entry->Flags & (RTL_QUERY_REGISTRY_SUBKEY | RTL_QUERY_REGISTRY_TOPKEY))
        back_to_top(query);
    if (subkey) {
        NTSTATUS status = enter_subkey(query, entry);
        return NT_SUCCESS(status) && entry->QueryRoutine ? query_all(query, entry) : status;
    }
    if (entry->Name)
        return query_one(query, entry);
    if (entry->Flags & RTL_QUERY_REGISTRY_NOVALUE)
        return cm_call_routine(entry, query->context, NULL, REG_NONE, NULL, 0);
    return query_all(query, entry);
}

static bool ends_table(const RTL_QUERY_REGISTRY_TABLE *entry)
{
    return !entry->QueryRoutine && !(entry->Flags & (RTL_QUERY_REGISTRY_SUBKEY | RTL_QUERY_REGISTRY_DIRECT));
}

/*
 * Looks up the values of a table under one key. IRQL: PASSIVE_LEVEL. Stops at the first error, but a
 * routine's STATUS_BUFFER_TOO_SMALL counts as success. Rules: SR-52.
 */
EXPORT(ntoskrnl, RtlQueryRegistryValues, PASSIVE_LEVEL, PASSIVE_LEVEL, X_CALLS_DRIVER)
NTSTATUS NTAPI RtlQueryRegistryValues(ULONG RelativeTo, PCWSTR Path, PRTL_QUERY_REGISTRY_TABLE QueryTable,
                                      PVOID Context, PVOID Environment)
{
    struct query query = {.context = Context, .environment = Environment};
    NTSTATUS status = cm_rtl_open(RelativeTo, Path, MAXIMUM_ALLOWED, false, &query.top);
    if (status == STATUS_OBJECT_NAME_NOT_FOUND && (RelativeTo & RTL_REGISTRY_OPTIONAL)) {
        query.top = NULL; /* as if it were there without values */
        status = STATUS_SUCCESS;
    }
    if (!NT_SUCCESS(status))
        return status;
    query.current = query.top;
    for (; NT_SUCCESS(status) && !ends_table(QueryTable); QueryTable++)
        status = process_entry(&query, QueryTable);
    back_to_top(&query);
    if (query.top)
        cm_rtl_close(RelativeTo, query.top);
    return status;
}

/* Source: exported since Windows 10 and used by newer headers under the old name; same parameters. */
EXPORT(ntoskrnl, RtlQueryRegistryValuesEx, PASSIVE_LEVEL, PASSIVE_LEVEL, X_CALLS_DRIVER)
NTSTATUS NTAPI RtlQueryRegistryValuesEx(ULONG RelativeTo, PCWSTR Path, PRTL_QUERY_REGISTRY_TABLE QueryTable,
                                        PVOID Context, PVOID Environment)
{
    return RtlQueryRegistryValues(RelativeTo, Path, QueryTable, Context, Environment);
}
