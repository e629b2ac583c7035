/* SPDX-License-Identifier: MIT */
/*
 * What a data consumer does with a block: query, set, execute. The requests go
 * out at PASSIVE_LEVEL, so a consumer at APC_LEVEL has a worker send them.
 */
#include "wmi/consumer.h"

struct call {
    struct wmi_consumer *consumer;
    const UNICODE_STRING *name; /* NULL: all instances */
    const ULONG *item;
    ULONG method;
    const void *in;
    ULONG in_length, out_room;
    void *out; /* mm_alloc */
    ULONG out_bytes;
};

static NTSTATUS query(void *context)
{
    struct call *call = context;
    struct wmi_class *class = call->consumer->class;
    return call->name ? wmi_class_query_one(class, call->name, &call->out, &call->out_bytes)
                      : wmi_class_query_all(class, &call->out, &call->out_bytes);
}

static NTSTATUS change(void *context)
{
    struct call *call = context;
    return wmi_class_change(call->consumer->class, call->name, call->item, call->in, call->in_length);
}

static NTSTATUS execute(void *context)
{
    struct call *call = context;
    return wmi_class_execute(call->consumer->class, call->name, call->method, call->in, call->in_length,
                             call->out_room, &call->out, &call->out_bytes);
}

/* To the caller's buffer; without room *size says how much it takes. */
static NTSTATUS hand_out(const void *from, ULONG bytes, void *to, ULONG *size)
{
    bool fits = to && *size >= bytes;
    if (fits && bytes)
        __builtin_memcpy(to, from, bytes);
    *size = bytes;
    return fits || !bytes ? STATUS_SUCCESS : STATUS_BUFFER_TOO_SMALL;
}

static NTSTATUS query_to(PVOID object, const UNICODE_STRING *name, ULONG *size, PVOID buffer)
{
    struct call call = {.name = name};
    NTSTATUS status = wmi_consumer_of(object, WMIGUID_QUERY, &call.consumer);
    if (NT_SUCCESS(status))
        status = wmi_at_passive(query, &call);
    if (NT_SUCCESS(status))
        status = hand_out(call.out, call.out_bytes, buffer, size);
    mm_free(call.out);
    return status;
}

/*
 * A chain of WNODE_ALL_DATA by WnodeHeader.Linkage, one of each provider; instance names are in it.
 * STATUS_WMI_GUID_NOT_FOUND, STATUS_BUFFER_TOO_SMALL (*InOutBufferSize: what it takes), STATUS_ACCESS_DENIED.
 * IRQL: <= APC_LEVEL. Rules: WMI-00.
 */
EXPORT(ntoskrnl, IoWMIQueryAllData, PASSIVE_LEVEL, APC_LEVEL, X_CALLS_DRIVER | X_BLOCKS)
NTSTATUS NTAPI IoWMIQueryAllData(PVOID DataBlockObject, ULONG *InOutBufferSize, PVOID OutBuffer)
{
    return query_to(DataBlockObject, NULL, InOutBufferSize, OutBuffer);
}

/* A WNODE_SINGLE_INSTANCE; also STATUS_WMI_INSTANCE_NOT_FOUND. IRQL: <= APC_LEVEL. Rules: WMI-01. */
EXPORT(ntoskrnl, IoWMIQuerySingleInstance, PASSIVE_LEVEL, APC_LEVEL, X_CALLS_DRIVER | X_BLOCKS)
NTSTATUS NTAPI IoWMIQuerySingleInstance(PVOID DataBlockObject, PUNICODE_STRING InstanceName,
                                        ULONG *InOutBufferSize, PVOID OutBuffer)
{
    return query_to(DataBlockObject, InstanceName, InOutBufferSize, OutBuffer);
}

/* ---- several ---- */

struct gathered {
    UCHAR *buffer;
    ULONG room, bytes; /* bytes: with what did not fit */
    ULONG last;        /* where the last WNODE that did begins */
    bool any;
};

/* The WNODEs of an answer keep their own chain; the one before them is linked to the first. */
static void gather(struct gathered *g, const void *answer, ULONG bytes)
{
    ULONG at = (ULONG)ALIGN_UP(g->bytes, 8), next;
    g->bytes = at + bytes;
    if (!g->buffer || g->bytes > g->room)
        return;
    __builtin_memcpy(g->buffer + at, answer, bytes);
    if (g->any)
        ((WNODE_HEADER *)(g->buffer + g->last))->Linkage = at - g->last;
    g->any = true;
    for (g->last = at; (next = ((WNODE_HEADER *)(g->buffer + g->last))->Linkage) != 0;)
        g->last += next;
}

static NTSTATUS query_many(PVOID *objects, PUNICODE_STRING names, ULONG count, ULONG *size, PVOID buffer)
{
    struct gathered g = {.buffer = buffer, .room = *size};
    for (ULONG i = 0; i < count; i++) {
        struct call call = {.name = names ? &names[i] : NULL};
        NTSTATUS status = wmi_consumer_of(objects[i], WMIGUID_QUERY, &call.consumer);
        if (!NT_SUCCESS(status))
            return status;
        status = wmi_at_passive(query, &call);
        if (NT_SUCCESS(status))
            gather(&g, call.out, call.out_bytes);
        mm_free(call.out);
    }
    /* WMI-00, WMI-01: success with no data if nobody implements any of them. */
    *size = g.bytes;
    return g.bytes && (!buffer || g.bytes > g.room) ? STATUS_BUFFER_TOO_SMALL : STATUS_SUCCESS;
}

/* As IoWMIQueryAllData, for several blocks. IRQL: <= APC_LEVEL. Rules: WMI-00. */
EXPORT(ntoskrnl, IoWMIQueryAllDataMultiple, PASSIVE_LEVEL, APC_LEVEL, X_CALLS_DRIVER | X_BLOCKS)
NTSTATUS NTAPI IoWMIQueryAllDataMultiple(PVOID *DataBlockObjectList, ULONG ObjectCount,
                                         ULONG *InOutBufferSize, PVOID OutBuffer)
{
    return query_many(DataBlockObjectList, NULL, ObjectCount, InOutBufferSize, OutBuffer);
}

/* The nth name belongs to the nth block. IRQL: <= APC_LEVEL. Rules: WMI-01. */
EXPORT(ntoskrnl, IoWMIQuerySingleInstanceMultiple, PASSIVE_LEVEL, APC_LEVEL, X_CALLS_DRIVER | X_BLOCKS)
NTSTATUS NTAPI IoWMIQuerySingleInstanceMultiple(PVOID *DataBlockObjectList, PUNICODE_STRING InstanceNames,
                                                ULONG ObjectCount, ULONG *InOutBufferSize, PVOID OutBuffer)
{
    return query_many(DataBlockObjectList, InstanceNames, ObjectCount, InOutBufferSize, OutBuffer);
}

/* ---- changing ---- */

static NTSTATUS change_by(PVOID object, const UNICODE_STRING *name, const ULONG *item, ULONG length,
                          const void *data)
{
    struct call call = {.name = name, .item = item, .in = data, .in_length = length};
    NTSTATUS status = wmi_consumer_of(object, WMIGUID_SET, &call.consumer);
    return NT_SUCCESS(status) ? wmi_at_passive(change, &call) : status;
}

/* All items of an instance; Version is reserved. The provider's status otherwise. IRQL: <= APC_LEVEL. Rules:
 * WMI-02. */
EXPORT(ntoskrnl, IoWMISetSingleInstance, PASSIVE_LEVEL, APC_LEVEL, X_CALLS_DRIVER | X_BLOCKS)
NTSTATUS NTAPI IoWMISetSingleInstance(PVOID DataBlockObject, PUNICODE_STRING InstanceName, ULONG Version,
                                      ULONG ValueBufferSize, PVOID ValueBuffer)
{
    if (Version)
        return STATUS_INVALID_PARAMETER;
    return change_by(DataBlockObject, InstanceName, NULL, ValueBufferSize, ValueBuffer);
}

/* One item. IRQL: <= APC_LEVEL. Rules: WMI-03. */
EXPORT(ntoskrnl, IoWMISetSingleItem, PASSIVE_LEVEL, APC_LEVEL, X_CALLS_DRIVER | X_BLOCKS)
NTSTATUS NTAPI IoWMISetSingleItem(PVOID DataBlockObject, PUNICODE_STRING InstanceName, ULONG DataItemId,
                                  ULONG Version, ULONG ValueBufferSize, PVOID ValueBuffer)
{
    if (Version)
        return STATUS_INVALID_PARAMETER;
    return change_by(DataBlockObject, InstanceName, &DataItemId, ValueBufferSize, ValueBuffer);
}

/*
 * InOutBuffer: the input, then the output; *OutBufferSize: its room, then the output's size.
 * STATUS_BUFFER_TOO_SMALL: what it takes. IRQL: <= APC_LEVEL. Rules: WMI-09.
 */
EXPORT(ntoskrnl, IoWMIExecuteMethod, PASSIVE_LEVEL, APC_LEVEL, X_CALLS_DRIVER | X_BLOCKS)
NTSTATUS NTAPI IoWMIExecuteMethod(PVOID DataBlockObject, PUNICODE_STRING InstanceName, ULONG MethodId,
                                  ULONG InBufferSize, PULONG OutBufferSize, PUCHAR InOutBuffer)
{
    struct call call = {.name = InstanceName,
                        .method = MethodId,
                        .in = InOutBuffer,
                        .in_length = InBufferSize,
                        .out_room = MAX(*OutBufferSize, 1)};
    NTSTATUS status = wmi_consumer_of(DataBlockObject, WMIGUID_EXECUTE, &call.consumer);
    if (!NT_SUCCESS(status))
        return status;
    status = wmi_at_passive(execute, &call);
    if (status == STATUS_BUFFER_TOO_SMALL) {
        /* WMI-09: the size that the provider asked for. */
        *OutBufferSize = call.out_bytes;
    } else if (NT_SUCCESS(status)) {
        const WNODE_METHOD_ITEM *item = call.out;
        status = hand_out((UCHAR *)call.out + item->DataBlockOffset, item->SizeDataBlock, InOutBuffer,
                          OutBufferSize);
    }
    mm_free(call.out);
    return status;
}
