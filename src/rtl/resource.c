/* SPDX-License-Identifier: MIT */
/*
 * Resources of PE images: a tree of type, name and language. Identifiers below
 * 0x10000 are numbers, others point to terminated names; language 0 takes the
 * first there is.
 */
#include "rtl/rtl.h"
#include "rtl/exports.h"
#include "nt/pe.h"
#include "nt/status.h"

#define IS_NAME      0x80000000u /* of an entry's Name: offset of a counted string */
#define IS_DIRECTORY 0x80000000u /* of an entry's OffsetToData */

/* Compares an identifier with an entry: by number, or by the counted name in the tree. */
static bool entry_matches(const char *root, const IMAGE_RESOURCE_DIRECTORY_ENTRY *entry, ULONG_PTR id)
{
    if (id < 0x10000)
        return !(entry->Name & IS_NAME) && entry->Name == id;
    if (!(entry->Name & IS_NAME))
        return false;
    const WCHAR *counted = (const WCHAR *)(root + (entry->Name & ~IS_NAME));
    UNICODE_STRING wanted, name = {(USHORT)(counted[0] * sizeof(WCHAR)), 0, (PWSTR)counted + 1};
    rtl_init_string(&wanted, (const WCHAR *)id);
    return rtl_equal_nocase(&wanted, &name);
}

static const IMAGE_RESOURCE_DIRECTORY_ENTRY *
find_entry(const char *root, const IMAGE_RESOURCE_DIRECTORY *directory, ULONG_PTR id, bool any)
{
    const IMAGE_RESOURCE_DIRECTORY_ENTRY *entries = (const void *)(directory + 1);
    unsigned count = directory->NumberOfNamedEntries + directory->NumberOfIdEntries;
    for (unsigned i = 0; i < count; i++)
        if (any || entry_matches(root, &entries[i], id))
            return &entries[i];
    return NULL;
}

/* ResourceInfo: type, name, language. Level 3 finds data; that is what drivers ask for. */
EXPORT(ntoskrnl, LdrFindResource_U, PASSIVE_LEVEL, APC_LEVEL, X_RAISES)
NTSTATUS NTAPI LdrFindResource_U(PVOID DllHandle, const ULONG_PTR *ResourceInfo, ULONG Level,
                                 PIMAGE_RESOURCE_DATA_ENTRY *ResourceDataEntry)
{
    static const NTSTATUS missing[] = {STATUS_RESOURCE_TYPE_NOT_FOUND, STATUS_RESOURCE_NAME_NOT_FOUND,
                                       STATUS_RESOURCE_LANG_NOT_FOUND};
    ULONG size;
    const char *root = RtlImageDirectoryEntryToData(DllHandle, TRUE, IMAGE_DIRECTORY_ENTRY_RESOURCE, &size);
    if (!root)
        return STATUS_RESOURCE_DATA_NOT_FOUND;
    if (Level != countof(missing))
        return STATUS_INVALID_PARAMETER;
    ULONG offset = IS_DIRECTORY;
    for (ULONG i = 0; i < Level; i++) {
        const IMAGE_RESOURCE_DIRECTORY *directory = (const void *)(root + (offset & ~IS_DIRECTORY));
        const IMAGE_RESOURCE_DIRECTORY_ENTRY *entry =
            find_entry(root, directory, ResourceInfo[i], i == Level - 1 && ResourceInfo[i] == 0);
        if (!entry || !(offset & IS_DIRECTORY))
            return missing[i];
        offset = entry->OffsetToData;
    }
    if (offset & IS_DIRECTORY)
        return STATUS_RESOURCE_DATA_NOT_FOUND;
    *ResourceDataEntry = (PIMAGE_RESOURCE_DATA_ENTRY)(root + offset);
    return STATUS_SUCCESS;
}

/* Address and size of the data of an entry; either may be NULL. */
EXPORT(ntoskrnl, LdrAccessResource, PASSIVE_LEVEL, APC_LEVEL, X_RAISES)
NTSTATUS NTAPI LdrAccessResource(PVOID DllHandle, PIMAGE_RESOURCE_DATA_ENTRY ResourceDataEntry,
                                 PVOID *Address, PULONG Size)
{
    ULONG size;
    if (!RtlImageDirectoryEntryToData(DllHandle, TRUE, IMAGE_DIRECTORY_ENTRY_RESOURCE, &size))
        return STATUS_RESOURCE_DATA_NOT_FOUND;
    if (Address)
        *Address = (char *)DllHandle + ResourceDataEntry->OffsetToData;
    if (Size)
        *Size = ResourceDataEntry->Size;
    return STATUS_SUCCESS;
}

#define RT_MESSAGETABLE 11

/* A message table: blocks of consecutive ids, each leading to entries one behind the other. */
struct message_block {
    ULONG low_id, high_id, offset;
};

struct message_table {
    ULONG block_count;
    struct message_block blocks[];
};

struct message_entry {
    USHORT length; /* of the whole entry, bytes */
    USHORT flags;  /* 1: the text is Unicode */
    UCHAR text[];
};

static const struct message_entry *find_message(const struct message_table *table, ULONG id)
{
    for (ULONG i = 0; i < table->block_count; i++) {
        const struct message_block *block = &table->blocks[i];
        if (id < block->low_id || id > block->high_id)
            continue;
        const char *entry = (const char *)table + block->offset;
        for (ULONG at = block->low_id; at < id; at++)
            entry += ((const struct message_entry *)entry)->length;
        return (const struct message_entry *)entry;
    }
    return NULL;
}

/* A message of an image's message table, in the language asked for or else the first there is. */
EXPORT(ntoskrnl, RtlFindMessage, PASSIVE_LEVEL, APC_LEVEL, X_RAISES)
NTSTATUS NTAPI RtlFindMessage(PVOID DllHandle, ULONG MessageTableId, ULONG MessageLanguageId, ULONG MessageId,
                              PVOID *MessageEntry)
{
    ULONG_PTR path[] = {MessageTableId ? MessageTableId : RT_MESSAGETABLE, 1, MessageLanguageId};
    PIMAGE_RESOURCE_DATA_ENTRY data;
    PVOID table;
    NTSTATUS status = LdrFindResource_U(DllHandle, path, 3, &data);
    if (status == STATUS_RESOURCE_LANG_NOT_FOUND) {
        path[2] = 0;
        status = LdrFindResource_U(DllHandle, path, 3, &data);
    }
    if (NT_SUCCESS(status))
        status = LdrAccessResource(DllHandle, data, &table, NULL);
    if (!NT_SUCCESS(status))
        return status;
    const struct message_entry *entry = find_message(table, MessageId);
    if (!entry)
        return STATUS_MESSAGE_NOT_FOUND;
    *MessageEntry = (PVOID)entry;
    return STATUS_SUCCESS;
}
