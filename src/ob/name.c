/* SPDX-License-Identifier: MIT */
/*
 * An object's full name, put together from its directories under the
 * namespace lock. Types whose objects are named by a parse routine (files,
 * keys) tell it themselves. An object without a name has the empty name.
 */
#include "ob/object.h"
#include "ob/services.h"

/* A directory that lost its own name shows as "...". */
static const UNICODE_STRING lost = {6, 6, (WCHAR *)u"..."};

/* Calls with each component from the last to the first; the lock is held. */
static ULONG name_length(const struct ob_name *name)
{
    ULONG length = 0;
    for (; name && name->parent; name = ob_header_of(name->parent)->name) {
        length += sizeof(WCHAR) + name->text.Length;
        if (!ob_header_of(name->parent)->name)
            length += lost.Length;
    }
    return length;
}

static char *put_before(char *end, const UNICODE_STRING *text)
{
    end -= text->Length;
    memcpy(end, text->Buffer, text->Length);
    return end;
}

static void fill_name(const struct ob_name *name, char *end)
{
    static const UNICODE_STRING backslash = {2, 2, (WCHAR *)u"\\"};
    for (; name && name->parent; name = ob_header_of(name->parent)->name) {
        end = put_before(end, &name->text);
        end = put_before(end, &backslash);
        if (!ob_header_of(name->parent)->name)
            end = put_before(end, &lost);
    }
}

ULONG ob_query_name(const void *body, WCHAR *buffer, ULONG size)
{
    struct ob_header *header = ob_header_of(body);
    if (header->type->ops.query_name)
        return header->type->ops.query_name((void *)body, buffer, size);
    if (body == ob_root) {
        if (size >= sizeof(WCHAR))
            buffer[0] = '\\';
        return sizeof(WCHAR);
    }
    rl_lock_acquire(&ob_namespace_lock);
    ULONG length = name_length(header->name);
    if (length <= size)
        fill_name(header->name, (char *)buffer + length);
    rl_lock_release(&ob_namespace_lock);
    return length;
}

/*
 * Gives the full name of an object.
 * IRQL: < DISPATCH_LEVEL. An unnamed object gives success and an empty Name; a buffer that is too small
 * STATUS_INFO_LENGTH_MISMATCH and the size needed.
 */
EXPORT(ntoskrnl, ObQueryNameString, PASSIVE_LEVEL, APC_LEVEL, X_PLAIN)
NTSTATUS NTAPI ObQueryNameString(PVOID Object, POBJECT_NAME_INFORMATION ObjectNameInfo, ULONG Length,
                                 PULONG ReturnLength)
{
    bool fits = ObjectNameInfo && Length >= sizeof(*ObjectNameInfo) + sizeof(WCHAR);
    WCHAR *text = (WCHAR *)(ObjectNameInfo + 1);
    ULONG room = fits ? Length - (ULONG)(sizeof(*ObjectNameInfo) + sizeof(WCHAR)) : 0;
    ULONG length = ob_query_name(Object, text, room);
    ULONG needed = (ULONG)sizeof(*ObjectNameInfo) + (length ? length + (ULONG)sizeof(WCHAR) : 0);
    if (ReturnLength)
        *ReturnLength = needed;
    if (!ObjectNameInfo || Length < needed)
        return STATUS_INFO_LENGTH_MISMATCH;
    ObjectNameInfo->Name = (UNICODE_STRING){0};
    if (length) {
        text[length / sizeof(WCHAR)] = 0;
        ObjectNameInfo->Name = (UNICODE_STRING){(USHORT)length, (USHORT)(length + sizeof(WCHAR)), text};
    }
    return STATUS_SUCCESS;
}
