/* SPDX-License-Identifier: MIT */
/*
 * Directories as drivers use them: create, open, list. A listing is put
 * together in pool under the namespace lock and copied to the caller after it.
 */
#include "ob/object.h"
#include "ob/services.h"

NTSTATUS NTAPI NtCreateDirectoryObject(PHANDLE DirectoryHandle, ACCESS_MASK DesiredAccess,
                                       POBJECT_ATTRIBUTES ObjectAttributes)
{
    void *directory = ob_directory_create();
    if (!directory)
        return STATUS_INSUFFICIENT_RESOURCES;
    return ob_create_service(directory, DirectoryHandle, DesiredAccess, ObjectAttributes);
}

EXPORT(ntoskrnl, ZwCreateDirectoryObject, PASSIVE_LEVEL, PASSIVE_LEVEL, X_PLAIN)
NTSTATUS NTAPI ZwCreateDirectoryObject(PHANDLE DirectoryHandle, ACCESS_MASK DesiredAccess,
                                       POBJECT_ATTRIBUTES ObjectAttributes)
{
    return ZW_CALL(NtCreateDirectoryObject(DirectoryHandle, DesiredAccess, ObjectAttributes));
}

NTSTATUS NTAPI NtOpenDirectoryObject(PHANDLE DirectoryHandle, ACCESS_MASK DesiredAccess,
                                     POBJECT_ATTRIBUTES ObjectAttributes)
{
    return ob_open_service(DirectoryHandle, DesiredAccess, ObjectAttributes, ob_directory_type);
}

EXPORT(ntoskrnl, ZwOpenDirectoryObject, PASSIVE_LEVEL, PASSIVE_LEVEL, X_PLAIN)
NTSTATUS NTAPI ZwOpenDirectoryObject(PHANDLE DirectoryHandle, ACCESS_MASK DesiredAccess,
                                     POBJECT_ATTRIBUTES ObjectAttributes)
{
    return ZW_CALL(NtOpenDirectoryObject(DirectoryHandle, DesiredAccess, ObjectAttributes));
}

/* A listing in the making: entries grow from the front, an empty one ends them, the texts follow. */
struct listing {
    char *buffer;      /* ours */
    char *destination; /* where it will be: what the strings point into */
    ULONG room, first, taken, needed;
    bool single, full;
    ULONG index; /* of the entry visited */
};

static ULONG entry_size(const struct ob_name *name)
{
    return (ULONG)sizeof(OBJECT_DIRECTORY_INFORMATION) + name->text.Length + name->object->type->name.Length +
           2 * sizeof(WCHAR);
}

static void visit_names(struct ob_directory *directory, struct listing *listing,
                        void (*visit)(struct listing *, struct ob_name *))
{
    listing->index = 0;
    for (unsigned i = 0; i < OB_BUCKETS; i++)
        list_for_each(link, &directory->buckets[i])
        {
            visit(listing, container_of(link, struct ob_name, link));
            listing->index++;
        }
}

static void measure(struct listing *listing, struct ob_name *name)
{
    if (listing->index < listing->first || listing->full)
        return;
    if (listing->needed + entry_size(name) > listing->room || (listing->single && listing->taken)) {
        listing->full = true;
        if (!listing->taken)
            listing->needed += entry_size(name);
        return;
    }
    listing->needed += entry_size(name);
    listing->taken++;
}

static char *put_text(struct listing *listing, char *at, UNICODE_STRING *string, const UNICODE_STRING *text)
{
    memcpy(at, text->Buffer, text->Length);
    memset(at + text->Length, 0, sizeof(WCHAR));
    *string = (UNICODE_STRING){text->Length, (USHORT)(text->Length + sizeof(WCHAR)),
                               (WCHAR *)(listing->destination + (at - listing->buffer))};
    return at + string->MaximumLength;
}

static NTSTATUS list_names(struct ob_directory *directory, struct listing *listing)
{
    rl_lock_acquire(&ob_namespace_lock);
    visit_names(directory, listing, measure);
    OBJECT_DIRECTORY_INFORMATION *entry = (OBJECT_DIRECTORY_INFORMATION *)listing->buffer;
    char *text = (char *)(entry + listing->taken + 1);
    ULONG index = 0;
    for (unsigned i = 0; i < OB_BUCKETS; i++)
        list_for_each(link, &directory->buckets[i])
        {
            struct ob_name *name = container_of(link, struct ob_name, link);
            if (index >= listing->first && index < listing->first + listing->taken) {
                text = put_text(listing, text, &entry->Name, &name->text);
                text = put_text(listing, text, &entry->TypeName, &name->object->type->name);
                entry++;
            }
            index++;
        }
    rl_lock_release(&ob_namespace_lock);
    if (listing->taken == 0)
        return listing->full ? STATUS_BUFFER_TOO_SMALL : STATUS_NO_MORE_ENTRIES;
    return listing->full && !listing->single ? STATUS_MORE_ENTRIES : STATUS_SUCCESS;
}

static NTSTATUS report_listing(struct listing *listing, PULONG context, PULONG returned, NTSTATUS status,
                               KPROCESSOR_MODE mode)
{
    ULONG next = listing->first + listing->taken;
    NTSTATUS copied = STATUS_SUCCESS;
    if (returned)
        copied = ob_copy_out(returned, &listing->needed, sizeof(*returned), mode);
    if (NT_SUCCESS(copied) && listing->taken)
        copied = ob_copy_out(listing->destination, listing->buffer, listing->needed, mode);
    if (NT_SUCCESS(copied) && listing->taken)
        copied = ob_copy_out(context, &next, sizeof(next), mode);
    return NT_SUCCESS(copied) ? status : copied;
}

NTSTATUS NTAPI NtQueryDirectoryObject(HANDLE DirectoryHandle, PVOID Buffer, ULONG Length,
                                      BOOLEAN ReturnSingleEntry, BOOLEAN RestartScan, PULONG Context,
                                      PULONG ReturnLength)
{
    void *directory;
    KPROCESSOR_MODE mode = ke_previous_mode();
    struct listing listing = {.destination = Buffer,
                              .room = MIN(Length, 1u << 20),
                              .single = ReturnSingleEntry,
                              .needed = sizeof(OBJECT_DIRECTORY_INFORMATION)};
    NTSTATUS status =
        RestartScan ? STATUS_SUCCESS : ob_copy_in(&listing.first, Context, sizeof(*Context), mode);
    if (NT_SUCCESS(status))
        status = ob_reference_by_handle(DirectoryHandle, DIRECTORY_QUERY, ob_directory_type, mode, &directory,
                                        NULL);
    if (!NT_SUCCESS(status))
        return status;
    listing.buffer = mm_alloc(MAX(listing.room, sizeof(OBJECT_DIRECTORY_INFORMATION)), OB_TAG_CAPTURE);
    status = STATUS_INSUFFICIENT_RESOURCES;
    if (listing.buffer) {
        status = list_names(directory, &listing);
        status = report_listing(&listing, Context, ReturnLength, status, mode);
        mm_free(listing.buffer);
    }
    ob_dereference(directory);
    return status;
}

EXPORT(ntoskrnl, ZwQueryDirectoryObject, PASSIVE_LEVEL, PASSIVE_LEVEL, X_PLAIN)
NTSTATUS NTAPI ZwQueryDirectoryObject(HANDLE DirectoryHandle, PVOID Buffer, ULONG Length,
                                      BOOLEAN ReturnSingleEntry, BOOLEAN RestartScan, PULONG Context,
                                      PULONG ReturnLength)
{
    return ZW_CALL(NtQueryDirectoryObject(DirectoryHandle, Buffer, Length, ReturnSingleEntry, RestartScan,
                                          Context, ReturnLength));
}
