/* SPDX-License-Identifier: MIT */
/*
 * Requests to a class of blocks: to all providers that have it, or to the one
 * that has the instance. A request is built in a buffer that WMI owns; an
 * answer that does not fit (WNODE_TOO_SMALL) is asked for again with the room
 * that it takes. No lock is held.
 */
#include "wmi/private.h"

struct request {
    UCHAR minor;
    ULONG flags;
    const UNICODE_STRING *name; /* NULL: all instances */
    bool numbered;              /* ItemId or MethodId stands behind the index */
    ULONG id;
    const void *data;
    ULONG length, room; /* of the data; room for more */
    bool once;          /* an answer that does not fit is not asked for again */
};

/* Where things stand in a WNODE_SINGLE_INSTANCE, or in a WNODE_SINGLE_ITEM and a WNODE_METHOD_ITEM. */
struct shape {
    ULONG fixed, data; /* bytes of the fixed part; where the data begins */
};

static struct shape shape_of(const struct request *r)
{
    ULONG fixed = r->numbered ? offsetof(WNODE_METHOD_ITEM, VariableData)
                              : offsetof(WNODE_SINGLE_INSTANCE, VariableData);
    ULONG name = r->name ? (ULONG)sizeof(USHORT) + r->name->Length : 0;
    /* WMI-01, WMI-02, WMI-03, WMI-09: behind the name, on an eight byte boundary. */
    return (struct shape){fixed, (ULONG)ALIGN_UP(fixed + name, 8)};
}

static ULONG bytes_of(const struct request *r)
{
    if (!r->name)
        return WMI_FIRST_BUFFER;
    ULONG bytes = shape_of(r).data + MAX(r->length, r->room);
    return MAX(bytes, (ULONG)sizeof(WNODE_METHOD_ITEM));
}

static void write_single(const struct request *r, LONG index, UCHAR *buffer)
{
    struct shape shape = shape_of(r);
    WNODE_SINGLE_INSTANCE *one = (WNODE_SINGLE_INSTANCE *)buffer;
    ULONG *after = &one->DataBlockOffset;
    one->OffsetInstanceName = shape.fixed;
    /* WMI-01, WMI-02, WMI-03, WMI-09: which of the registered names it is. */
    one->InstanceIndex = index >= 0 ? (ULONG)index : 0;
    if (r->numbered)
        /* WMI-03, WMI-09: the item or the method. */
        *after++ = r->id;
    *after++ = shape.data;
    *after = r->length;
    __builtin_memcpy(buffer + shape.fixed, &r->name->Length, sizeof(USHORT));
    __builtin_memcpy(buffer + shape.fixed + sizeof(USHORT), r->name->Buffer, r->name->Length);
    if (r->length)
        __builtin_memcpy(buffer + shape.data, r->data, r->length);
}

static void write_request(const struct wmi_block *b, const struct request *r, LONG index, void *buffer,
                          ULONG bytes)
{
    WNODE_HEADER *header = buffer;
    header->BufferSize = bytes;
    header->Guid = b->class->guid;
    header->Flags = r->flags;
    if (b->names)
        /* WMI-00, WMI-01, WMI-02, WMI-03, WMI-09: the provider goes by the index, not by a name. */
        header->Flags |= WNODE_FLAG_STATIC_INSTANCE_NAMES;
    if (b->registered.Flags & WMIREG_FLAG_INSTANCE_PDO)
        header->Flags |= WNODE_FLAG_PDO_INSTANCE_NAMES;
    if (r->name) {
        /* WMI-02, WMI-03, WMI-09: of the input. */
        header->BufferSize = shape_of(r).data + r->length;
        write_single(r, index, buffer);
    }
}

static NTSTATUS send(struct wmi_block *b, const struct request *r, void *buffer, ULONG bytes)
{
    ULONG_PTR information;
    if (!wmi_provider_enter(b->provider))
        return STATUS_WMI_GUID_DISCONNECTED;
    /* WMI-00, WMI-01, WMI-02, WMI-03, WMI-09: to the provider's stack. */
    NTSTATUS status = wmi_send(b->provider, r->minor, &b->class->guid, buffer, bytes, &information);
    wmi_provider_leave(b->provider);
    return status;
}

/* What an answer that does not fit takes; 0: this is none. */
static ULONG too_small(const void *buffer, ULONG bytes)
{
    const WNODE_TOO_SMALL *small = buffer;
    return bytes >= sizeof(*small) && small->WnodeHeader.Flags & WNODE_FLAG_TOO_SMALL ? small->SizeNeeded : 0;
}

/* One provider's answer, as it is. Owns: mm_free. STATUS_BUFFER_TOO_SMALL: *bytes is what it takes. */
static NTSTATUS ask(struct wmi_block *b, const struct request *r, LONG index, void **wnode, ULONG *bytes)
{
    *bytes = bytes_of(r);
    for (unsigned tries = 0; tries < 8; tries++) {
        UCHAR *buffer = mm_alloc(*bytes, WMI_TAG);
        if (!buffer)
            return STATUS_INSUFFICIENT_RESOURCES;
        write_request(b, r, index, buffer, *bytes);
        NTSTATUS status = send(b, r, buffer, *bytes);
        ULONG wanted = NT_SUCCESS(status) ? too_small(buffer, *bytes) : 0;
        ULONG written = ((WNODE_HEADER *)buffer)->BufferSize;
        if (NT_SUCCESS(status) && !wanted) {
            *wnode = buffer;
            *bytes = MIN(written, *bytes);
            return status;
        }
        mm_free(buffer);
        if (!wanted)
            return status;
        if (wanted <= *bytes || wanted > WMI_LARGEST_BUFFER)
            return STATUS_INVALID_BUFFER_SIZE;
        /* WMI-00, WMI-01, WMI-09: again, with a buffer of the size it named. */
        *bytes = wanted;
        if (r->once)
            return STATUS_BUFFER_TOO_SMALL;
    }
    return STATUS_BUFFER_TOO_SMALL;
}

/* Event blocks and trace blocks cannot be queried or set. */
static bool has_data(const struct wmi_block *b)
{
    return !(b->registered.Flags & (WMIREG_FLAG_EVENT_ONLY_GUID | WMIREG_FLAG_TRACED_GUID));
}

/* ---- all instances ---- */

static bool append(void **chain, ULONG *bytes, ULONG *last, const void *wnode, ULONG more)
{
    ULONG at = (ULONG)ALIGN_UP(*bytes, 8);
    UCHAR *longer = mm_alloc(at + more, WMI_TAG);
    if (!longer)
        return false;
    if (*chain) {
        __builtin_memcpy(longer, *chain, *bytes);
        ((WNODE_HEADER *)(longer + *last))->Linkage = at - *last;
    }
    __builtin_memcpy(longer + at, wnode, more);
    ((WNODE_HEADER *)(longer + at))->Linkage = 0;
    mm_free(*chain);
    *chain = longer;
    *last = at;
    *bytes = at + more;
    return true;
}

static NTSTATUS query_all_of(struct wmi_block *b, void **chain, ULONG *bytes, ULONG *last)
{
    const struct request request = {.minor = IRP_MN_QUERY_ALL_DATA, .flags = WNODE_FLAG_ALL_DATA};
    void *wnode;
    ULONG size;
    NTSTATUS status = ask(b, &request, -1, &wnode, &size);
    if (!NT_SUCCESS(status))
        return status;
    if (size < sizeof(WNODE_ALL_DATA) || !wmi_write_names(b, &wnode, &size))
        status = STATUS_DATA_ERROR;
    else if (!append(chain, bytes, last, wnode, size))
        status = STATUS_INSUFFICIENT_RESOURCES;
    mm_free(wnode);
    return status;
}

NTSTATUS wmi_class_query_all(struct wmi_class *class, void **data, ULONG *bytes)
{
    struct wmi_blocks blocks;
    ULONG last = 0;
    /* WMI-00: STATUS_WMI_GUID_NOT_FOUND: nobody has it. */
    NTSTATUS failure = STATUS_WMI_GUID_NOT_FOUND, status = wmi_blocks_of(class, &blocks);
    *data = NULL;
    *bytes = 0;
    if (!NT_SUCCESS(status))
        return status;
    for (unsigned i = 0; i < blocks.count; i++) {
        if (!has_data(blocks.block[i]))
            continue;
        /* WMI-00: each provider of the class is asked. */
        status = query_all_of(blocks.block[i], data, bytes, &last);
        if (!NT_SUCCESS(status))
            failure = status;
    }
    wmi_blocks_release(&blocks);
    return *data ? STATUS_SUCCESS : failure;
}

/* ---- one instance ---- */

/* It is not this provider's; perhaps it is the next one's. */
static bool is_elsewhere(NTSTATUS status)
{
    return status == STATUS_WMI_INSTANCE_NOT_FOUND || status == STATUS_WMI_GUID_NOT_FOUND ||
           status == STATUS_WMI_GUID_DISCONNECTED;
}

static NTSTATUS ask_block(struct wmi_block *b, const struct request *r, void **wnode, ULONG *bytes)
{
    LONG index = b->names ? wmi_index_of_name(b, r->name) : -1;
    if (!has_data(b))
        return STATUS_WMI_GUID_NOT_FOUND;
    if (b->names && index < 0)
        /* WMI-01: the registered names are all there are. */
        return STATUS_WMI_INSTANCE_NOT_FOUND;
    return ask(b, r, index, wnode, bytes);
}

/* Asks one provider after the other. */
static NTSTATUS ask_class(struct wmi_class *class, const struct request *r, void **wnode, ULONG *bytes)
{
    struct wmi_blocks blocks;
    NTSTATUS found = STATUS_WMI_GUID_NOT_FOUND, status = wmi_blocks_of(class, &blocks);
    *wnode = NULL;
    if (!NT_SUCCESS(status))
        return status;
    for (unsigned i = 0; i < blocks.count && is_elsewhere(found); i++) {
        status = ask_block(blocks.block[i], r, wnode, bytes);
        if (found != STATUS_WMI_INSTANCE_NOT_FOUND || !is_elsewhere(status))
            found = status;
    }
    wmi_blocks_release(&blocks);
    return found;
}

static bool is_single(const void *wnode, ULONG bytes)
{
    const WNODE_SINGLE_INSTANCE *one = wnode;
    return bytes >= sizeof(*one) && one->DataBlockOffset <= bytes &&
           bytes - one->DataBlockOffset >= one->SizeDataBlock;
}

static NTSTATUS check_single(NTSTATUS status, void **wnode, ULONG bytes)
{
    if (!NT_SUCCESS(status))
        return status;
    if (is_single(*wnode, bytes)) {
        /* WMI-01: the name stands in it, as we have put it there. */
        ((WNODE_HEADER *)*wnode)->Flags &= ~(ULONG)WNODE_FLAG_STATIC_INSTANCE_NAMES;
        return status;
    }
    mm_free(*wnode);
    *wnode = NULL;
    return STATUS_DATA_ERROR;
}

static struct request query_one(const UNICODE_STRING *name)
{
    return (struct request){.minor = IRP_MN_QUERY_SINGLE_INSTANCE,
                            .flags = WNODE_FLAG_SINGLE_INSTANCE,
                            .name = name,
                            .room = WMI_FIRST_BUFFER};
}

NTSTATUS wmi_class_query_one(struct wmi_class *class, const UNICODE_STRING *name, void **data, ULONG *bytes)
{
    struct request request = query_one(name);
    NTSTATUS status = ask_class(class, &request, data, bytes);
    return check_single(status, data, *bytes);
}

NTSTATUS wmi_block_query_one(struct wmi_block *b, const UNICODE_STRING *name, void **data, ULONG *bytes)
{
    struct request request = query_one(name);
    NTSTATUS status = ask_block(b, &request, data, bytes);
    return check_single(status, data, *bytes);
}

NTSTATUS wmi_class_change(struct wmi_class *class, const UNICODE_STRING *name, const ULONG *item,
                          const void *data, ULONG length)
{
    struct request request = {.minor = item ? IRP_MN_CHANGE_SINGLE_ITEM : IRP_MN_CHANGE_SINGLE_INSTANCE,
                              .flags = item ? WNODE_FLAG_SINGLE_ITEM : WNODE_FLAG_SINGLE_INSTANCE,
                              .name = name,
                              .numbered = item != NULL,
                              .id = item ? *item : 0,
                              .data = data,
                              .length = length};
    void *wnode;
    ULONG bytes;
    NTSTATUS status = ask_class(class, &request, &wnode, &bytes);
    mm_free(wnode);
    return status;
}

NTSTATUS wmi_class_execute(struct wmi_class *class, const UNICODE_STRING *name, ULONG method, const void *in,
                           ULONG in_length, ULONG out_room, void **out, ULONG *bytes)
{
    struct request request = {.minor = IRP_MN_EXECUTE_METHOD,
                              .flags = WNODE_FLAG_METHOD_ITEM,
                              .name = name,
                              .numbered = true,
                              .id = method,
                              .data = in,
                              .length = in_length,
                              .room = out_room ? out_room : WMI_FIRST_BUFFER,
                              .once = out_room != 0};
    void *instance;
    /* WMI-01: before a method is executed. */
    NTSTATUS status = wmi_class_query_one(class, name, &instance, bytes);
    mm_free(instance);
    if (is_elsewhere(status))
        return status;
    status = ask_class(class, &request, out, bytes);
    if (status == STATUS_BUFFER_TOO_SMALL)
        *bytes -= MIN(*bytes, shape_of(&request).data);
    if (!NT_SUCCESS(status))
        return status;
    const WNODE_METHOD_ITEM *item = *out;
    if (*bytes >= offsetof(WNODE_METHOD_ITEM, VariableData) && item->DataBlockOffset <= *bytes &&
        *bytes - item->DataBlockOffset >= item->SizeDataBlock)
        return status;
    mm_free(*out);
    *out = NULL;
    return STATUS_DATA_ERROR;
}
