/* SPDX-License-Identifier: MIT */
/*
 * The error log: entries that drivers wrote, oldest first, the last LIMIT of
 * them. Lock: log_lock (rl_lock).
 */
#include "io/private.h"

#define LIMIT 256

struct entry {
    LIST_ENTRY link;
    LARGE_INTEGER time;
    char driver[64];
    UCHAR bytes; /* of the packet, as asked for */
    IO_ERROR_LOG_PACKET packet;
};

static rl_lock log_lock;
static LIST_ENTRY entries = {&entries, &entries};
static unsigned count;
static ULONG last_sequence;

void io_error_log_reset(void)
{
    log_lock = (rl_lock){0};
    list_init(&entries);
    count = 0;
    last_sequence = 0;
}

static const char *driver_of(PVOID object)
{
    PDEVICE_OBJECT device = object;
    PDRIVER_OBJECT driver = device->Type == IO_TYPE_DEVICE ? device->DriverObject : object;
    return io_driver_service(driver);
}

/* An entry of EntrySize bytes for a device's or driver's error; NULL if it is too large. IRQL: <=
 * DISPATCH_LEVEL. */
EXPORT(ntoskrnl, IoAllocateErrorLogEntry, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
PVOID NTAPI IoAllocateErrorLogEntry(PVOID IoObject, UCHAR EntrySize)
{
    if (!IoObject || EntrySize < sizeof(IO_ERROR_LOG_PACKET) || EntrySize > ERROR_LOG_MAXIMUM_SIZE)
        return NULL;
    struct entry *e = mm_alloc(sizeof(*e) + EntrySize, IO_TAG('I', 'o', 'E', 'r'));
    if (!e)
        return NULL;
    e->bytes = EntrySize;
    host_snprintf(e->driver, sizeof(e->driver), "%s", driver_of(IoObject));
    return &e->packet;
}

EXPORT(ntoskrnl, IoFreeErrorLogEntry, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
VOID NTAPI IoFreeErrorLogEntry(PVOID ElEntry)
{
    if (ElEntry)
        mm_free(container_of((PIO_ERROR_LOG_PACKET)ElEntry, struct entry, packet));
}

/* Consumes the entry. IRQL: <= DISPATCH_LEVEL. */
EXPORT(ntoskrnl, IoWriteErrorLogEntry, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
VOID NTAPI IoWriteErrorLogEntry(PVOID ElEntry)
{
    if (!ElEntry)
        return;
    struct entry *e = container_of((PIO_ERROR_LOG_PACKET)ElEntry, struct entry, packet), *oldest = NULL;
    e->time.QuadPart = (LONGLONG)host_system_time();
    KIRQL irql = ke_raise_irql(DISPATCH_LEVEL);
    rl_lock_acquire(&log_lock);
    e->packet.SequenceNumber = ++last_sequence;
    list_insert_tail(&entries, &e->link);
    if (++count > LIMIT) {
        oldest = container_of(list_remove_head(&entries), struct entry, link);
        count--;
    }
    rl_lock_release(&log_lock);
    ke_lower_irql(irql);
    if (oldest)
        mm_free(oldest);
    if (io_ops.error_logged)
        io_ops.error_logged(e->driver, &e->packet);
}

void io_for_each_error(void (*visit)(const char *driver, const IO_ERROR_LOG_PACKET *packet, void *context),
                       void *context)
{
    KIRQL irql = ke_raise_irql(DISPATCH_LEVEL);
    rl_lock_acquire(&log_lock);
    list_for_each(it, &entries)
    {
        struct entry *e = container_of(it, struct entry, link);
        visit(e->driver, &e->packet, context);
    }
    rl_lock_release(&log_lock);
    ke_lower_irql(irql);
}
