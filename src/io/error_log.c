/* SPDX-License-Identifier: MIT */
/*
 * The error log: entries that drivers wrote, oldest first, the last LIMIT of
 * them. An entry holds the object that it is about until it is written or
 * freed. Lock: log_lock (rl_lock).
 */
#include "io/private.h"

#define LIMIT 256

struct entry {
    LIST_ENTRY link;
    PVOID object; /* referenced; NULL once it is written */
    struct io_error error;
    IO_ERROR_LOG_PACKET packet;
};

static rl_lock log_lock;
static LIST_ENTRY entries = {&entries, &entries};
static unsigned count;

void io_error_log_reset(void)
{
    log_lock = (rl_lock){0};
    list_init(&entries);
    count = 0;
}

static bool is_device(PVOID object)
{
    return ((PDEVICE_OBJECT)object)->Type == IO_TYPE_DEVICE;
}

/* The names are taken now: the driver may be gone when the entry is read. */
static void name_object(struct io_error *error, PVOID object)
{
    WCHAR name[countof(error->device)];
    PDRIVER_OBJECT driver = is_device(object) ? ((PDEVICE_OBJECT)object)->DriverObject : object;
    host_snprintf(error->driver, sizeof(error->driver), "%s", io_driver_service(driver));
    error->device[0] = 0;
    if (!is_device(object))
        return;
    ULONG bytes = ob_query_name(object, name, sizeof(name));
    rtl_utf8_from_wide(error->device, sizeof(error->device), name, MIN(bytes, sizeof(name)) / sizeof(WCHAR));
}

/*
 * A packet of EntrySize bytes, zeroed, for a device's or a driver's error. NULL: it is too small or too
 * large, or there is no memory. Owns: the caller, until it is written or freed. IRQL: <= DISPATCH_LEVEL.
 */
EXPORT(ntoskrnl, IoAllocateErrorLogEntry, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
PVOID NTAPI IoAllocateErrorLogEntry(PVOID IoObject, UCHAR EntrySize)
{
    if (!IoObject || EntrySize < offsetof(IO_ERROR_LOG_PACKET, DumpData) ||
        EntrySize > ERROR_LOG_MAXIMUM_SIZE)
        return NULL;
    if (!is_device(IoObject) && ((PDRIVER_OBJECT)IoObject)->Type != IO_TYPE_DRIVER)
        return NULL;
    struct entry *e = mm_alloc(sizeof(*e) + EntrySize, IO_TAG('I', 'o', 'E', 'r'));
    if (!e)
        return NULL;
    __builtin_memset(&e->packet, 0, EntrySize);
    e->error.bytes = EntrySize;
    e->error.packet = &e->packet;
    e->object = IoObject;
    ob_reference(IoObject);
    return &e->packet;
}

/* An entry that is not to be written. IRQL: <= DISPATCH_LEVEL. */
EXPORT(ntoskrnl, IoFreeErrorLogEntry, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
VOID NTAPI IoFreeErrorLogEntry(PVOID ElEntry)
{
    if (!ElEntry)
        return;
    struct entry *e = container_of((PIO_ERROR_LOG_PACKET)ElEntry, struct entry, packet);
    ob_dereference(e->object);
    mm_free(e);
}

/* NULL, or the entry that has to make room. */
static struct entry *append(struct entry *e)
{
    struct entry *oldest = NULL;
    KIRQL irql = ke_raise_irql(DISPATCH_LEVEL);
    rl_lock_acquire(&log_lock);
    list_insert_tail(&entries, &e->link);
    if (++count > LIMIT) {
        oldest = container_of(list_remove_head(&entries), struct entry, link);
        count--;
    }
    rl_lock_release(&log_lock);
    ke_lower_irql(irql);
    return oldest;
}

/* Consumes the entry. IRQL: <= DISPATCH_LEVEL. */
EXPORT(ntoskrnl, IoWriteErrorLogEntry, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
VOID NTAPI IoWriteErrorLogEntry(PVOID ElEntry)
{
    if (!ElEntry)
        return;
    struct entry *e = container_of((PIO_ERROR_LOG_PACKET)ElEntry, struct entry, packet);
    PVOID object = e->object;
    name_object(&e->error, object);
    e->error.time = host_system_time();
    e->object = NULL;
    if (io_ops.error_logged)
        io_ops.error_logged(&e->error);
    struct entry *oldest = append(e);
    ob_dereference(object);
    if (oldest)
        mm_free(oldest);
}

void io_for_each_error(void (*visit)(const struct io_error *error, void *context), void *context)
{
    KIRQL irql = ke_raise_irql(DISPATCH_LEVEL);
    rl_lock_acquire(&log_lock);
    list_for_each(it, &entries) visit(&container_of(it, struct entry, link)->error, context);
    rl_lock_release(&log_lock);
    ke_lower_irql(irql);
}

/* No lock: who held it may be frozen. */
unsigned io_last_errors(unsigned wanted, void (*visit)(const struct io_error *error, void *context),
                        void *context)
{
    unsigned found = 0;
    LIST_ENTRY *at = &entries;
    if (__atomic_load_n(&log_lock.word, __ATOMIC_ACQUIRE) != 0)
        return 0;
    while (found < wanted && at->Blink != &entries)
        at = at->Blink, found++;
    for (unsigned i = 0; visit != NULL && i < found; i++, at = at->Flink)
        visit(&container_of(at, struct entry, link)->error, context);
    return found;
}

/* The string at *at, its terminator behind it: inside the packet, or NULL. Moves *at behind it. */
const WCHAR *io_error_string(const struct io_error *error, size_t *at)
{
    const WCHAR *string = (const WCHAR *)((const char *)error->packet + *at);
    while (*at % sizeof(WCHAR) == 0 && *at + sizeof(WCHAR) <= error->bytes) {
        WCHAR c = *(const WCHAR *)((const char *)error->packet + *at);
        *at += sizeof(WCHAR);
        if (c == 0)
            return string;
    }
    return NULL;
}

ULONG io_error_dump_bytes(const struct io_error *error)
{
    size_t room = error->bytes - offsetof(IO_ERROR_LOG_PACKET, DumpData);
    return (ULONG)MIN((size_t)error->packet->DumpDataSize, room);
}
