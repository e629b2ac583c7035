/* SPDX-License-Identifier: MIT */
/*
 * Connecting by physical device object: to whatever lines or messages the PnP
 * manager has assigned to the device. All objects of one call share a spin
 * lock, the driver's or that of the first, and run at the highest IRQL of
 * them; the one that holds the lock goes last. What the driver gets back is the
 * first of the lines, or a table of the messages.
 */
#include "io/interrupt.h"

struct io_device_ops io_device_ops;

/* ---- what is assigned ---- */

struct assigned {
    PDEVICE_OBJECT device;
    bool messages;
    ULONG count;
    KIRQL highest;
};

/* The index-th of the wanted kind. */
static bool find(const struct assigned *all, ULONG index, struct io_assigned_interrupt *interrupt)
{
    if (!io_device_ops.assigned_interrupt)
        return false;
    for (ULONG i = 0; io_device_ops.assigned_interrupt(all->device, i, interrupt); i++)
        if (interrupt->message == all->messages && index-- == 0)
            return true;
    return false;
}

static struct assigned look(PDEVICE_OBJECT device, bool messages)
{
    struct assigned all = {.device = device, .messages = messages};
    struct io_assigned_interrupt interrupt;
    for (; find(&all, all.count, &interrupt); all.count++)
        all.highest = MAX(all.highest, interrupt.irql);
    return all;
}

static struct io_connect_request request_for(const struct io_assigned_interrupt *interrupt)
{
    return (struct io_connect_request){.vector = interrupt->vector,
                                       .irql = interrupt->irql,
                                       .mode = interrupt->latched ? Latched : LevelSensitive,
                                       .shared = interrupt->shared,
                                       .processors = interrupt->processors};
}

/* ---- disconnecting ---- */

/* The objects of one call, the first last. */
static void disconnect_set(PKINTERRUPT first)
{
    while (first->also) {
        PKINTERRUPT other = first->also;
        first->also = other->also;
        io_interrupt_disconnect(other);
    }
    io_interrupt_disconnect(first);
}

static PKINTERRUPT first_of(ULONG version, PVOID connection)
{
    PIO_INTERRUPT_MESSAGE_INFO table = connection;
    bool is_table = version == CONNECT_MESSAGE_BASED || version == CONNECT_MESSAGE_BASED_PASSIVE;
    return is_table ? table->MessageInfo[0].InterruptObject : connection;
}

/* The version that the connecting call left says what the connection is. Rules: INT-09. */
void io_disconnect_all(ULONG version, PVOID connection)
{
    PKINTERRUPT first = first_of(version, connection);
    /* INT-09: all that were connected in one call go in one. */
    disconnect_set(first);
    if ((PVOID)first != connection)
        mm_free(connection);
}

void io_for_each_connected(ULONG version, PVOID connection, void (*visit)(PKINTERRUPT interrupt))
{
    for (PKINTERRUPT it = first_of(version, connection); it; it = it->also)
        visit(it);
}

/* ---- connecting ---- */

/* To the others in front of this one's lock and chain. */
static void link_to(PKINTERRUPT first, PKINTERRUPT interrupt)
{
    if (first == interrupt)
        return;
    interrupt->also = first->also;
    first->also = interrupt;
}

struct set {
    struct assigned all;
    PKSERVICE_ROUTINE routine;
    PVOID context;
    PKSPIN_LOCK lock;
    KIRQL minimum;
    bool passive;
    bool by_message; /* the routine is one for messages */
};

/* Never below the highest of them, because they exclude one another. */
static KIRQL unified_irql(const struct set *set)
{
    if (set->passive)
        return PASSIVE_LEVEL;
    /* SR-09: the highest IRQL of all that the routine serves, or what the driver asks for above it. */
    return MAX(set->minimum, set->all.highest);
}

/* The index-th, behind the first, whose lock it takes if the driver has none. */
static NTSTATUS connect_one(const struct set *set, ULONG index, PKINTERRUPT first, PKINTERRUPT *out)
{
    struct io_assigned_interrupt interrupt;
    if (!find(&set->all, index, &interrupt))
        return STATUS_NOT_FOUND;
    struct io_connect_request request = request_for(&interrupt);
    request.out = out;
    request.routine = set->routine;
    request.context = set->context;
    request.lock = set->lock;
    if (!request.lock && first && !set->passive)
        /* INT-10: one routine for all of them does not run twice at a time. */
        request.lock = &first->own_lock;
    request.synchronize_irql = unified_irql(set);
    if (set->passive)
        request.irql = PASSIVE_LEVEL;
    request.by_message = set->by_message;
    /* INT-14: which of the device's messages it is. */
    request.message = index;
    return io_interrupt_connect(&request);
}

/* The objects go to `out`, one behind the other, each `stride` bytes further. */
static NTSTATUS connect_set(const struct set *set, PKINTERRUPT *out, size_t stride)
{
    NTSTATUS status = STATUS_SUCCESS;
    PKINTERRUPT first = NULL, interrupt;
    for (ULONG i = 0; i < set->all.count && NT_SUCCESS(status); i++) {
        PKINTERRUPT *to = stride || i == 0 ? (PKINTERRUPT *)((char *)out + i * stride) : &interrupt;
        status = connect_one(set, i, first, to);
        if (!NT_SUCCESS(status))
            break;
        if (i == 0)
            first = *to;
        link_to(first, *to);
    }
    if (!NT_SUCCESS(status) && first)
        disconnect_set(first);
    return status;
}

/*
 * A device with a single message and no line has that one; several messages are not for a routine that
 * cannot tell them apart. Rules: INT-10.
 */
static NTSTATUS choose_lines(struct set *set, PDEVICE_OBJECT device)
{
    struct assigned messages = look(device, true);
    set->all = look(device, false);
    if (set->all.count != 0)
        return STATUS_SUCCESS;
    if (messages.count > 1)
        return STATUS_INVALID_DEVICE_REQUEST;
    set->all = messages;
    return messages.count == 1 ? STATUS_SUCCESS : STATUS_NOT_FOUND;
}

/* Rules: INT-09, INT-10. */
NTSTATUS io_connect_lines(PIO_CONNECT_INTERRUPT_PARAMETERS parameters)
{
    const IO_CONNECT_INTERRUPT_LINE_BASED_PARAMETERS *p = &parameters->LineBased;
    struct set set = {.routine = p->ServiceRoutine,
                      .context = p->ServiceContext,
                      .lock = p->SpinLock,
                      .minimum = p->SynchronizeIrql};
    if (!p->PhysicalDeviceObject || !p->InterruptObject || !p->ServiceRoutine)
        return STATUS_INVALID_PARAMETER;
    NTSTATUS status = choose_lines(&set, p->PhysicalDeviceObject);
    if (!NT_SUCCESS(status))
        return status;
    /* INT-10: one routine to all of the device's lines. */
    return connect_set(&set, p->InterruptObject, 0);
}

/* ---- messages ---- */

static void describe(const struct set *set, PIO_INTERRUPT_MESSAGE_INFO table)
{
    struct io_assigned_interrupt interrupt;
    table->UnifiedIrql = unified_irql(set);
    table->MessageCount = set->all.count;
    for (ULONG i = 0; i < set->all.count && find(&set->all, i, &interrupt); i++) {
        PIO_INTERRUPT_MESSAGE_INFO_ENTRY entry = table->MessageInfo + i;
        entry->MessageAddress.QuadPart = HAL_MESSAGE_ADDRESS;
        entry->MessageData = interrupt.vector;
        entry->Vector = interrupt.vector;
        entry->Irql = interrupt.irql;
        entry->TargetProcessorSet = interrupt.processors;
        entry->Mode = Latched;
        entry->Polarity = InterruptActiveHigh;
    }
}

static NTSTATUS connect_table(const struct set *set, PIO_INTERRUPT_MESSAGE_INFO *out)
{
    size_t bytes = offsetof(IO_INTERRUPT_MESSAGE_INFO, MessageInfo) +
                   set->all.count * sizeof(IO_INTERRUPT_MESSAGE_INFO_ENTRY);
    PIO_INTERRUPT_MESSAGE_INFO table = mm_alloc(bytes, IO_INTERRUPT_TAG);
    if (!table)
        return STATUS_INSUFFICIENT_RESOURCES;
    describe(set, table);
    *out = table;
    NTSTATUS status =
        connect_set(set, &table->MessageInfo[0].InterruptObject, sizeof(IO_INTERRUPT_MESSAGE_INFO_ENTRY));
    if (NT_SUCCESS(status))
        return status;
    *out = NULL;
    mm_free(table);
    return status;
}

/* The device has no messages: its lines, if the driver has a routine for them. */
static NTSTATUS fall_back(PIO_CONNECT_INTERRUPT_PARAMETERS parameters, struct set *set)
{
    const IO_CONNECT_INTERRUPT_MESSAGE_BASED_PARAMETERS *p = &parameters->MessageBased;
    set->routine = p->FallBackServiceRoutine;
    set->by_message = false;
    set->all = look(p->PhysicalDeviceObject, false);
    if (!set->routine || set->all.count == 0)
        return STATUS_NOT_FOUND;
    NTSTATUS status = connect_set(set, p->ConnectionContext.InterruptObject, 0);
    if (NT_SUCCESS(status))
        /* INT-09: so that the driver knows what it was given, and how to give it back. */
        parameters->Version = CONNECT_LINE_BASED;
    return status;
}

/* Rules: INT-09, INT-14, SR-09. */
NTSTATUS io_connect_messages(PIO_CONNECT_INTERRUPT_PARAMETERS parameters)
{
    const IO_CONNECT_INTERRUPT_MESSAGE_BASED_PARAMETERS *p = &parameters->MessageBased;
    struct set set = {.routine = (PKSERVICE_ROUTINE)(void *)p->MessageServiceRoutine,
                      .context = p->ServiceContext,
                      .lock = p->SpinLock,
                      .minimum = p->SynchronizeIrql,
                      .passive = parameters->Version == CONNECT_MESSAGE_BASED_PASSIVE,
                      .by_message = true};
    if (!p->PhysicalDeviceObject || !p->ConnectionContext.Generic || !p->MessageServiceRoutine)
        return STATUS_INVALID_PARAMETER;
    set.all = look(p->PhysicalDeviceObject, true);
    if (set.all.count == 0)
        return fall_back(parameters, &set);
    return connect_table(&set, p->ConnectionContext.InterruptMessageTable);
}
