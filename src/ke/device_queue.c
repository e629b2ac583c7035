/* SPDX-License-Identifier: MIT */
/*
 * Device queues: a busy flag and a list ordered by key, under the queue's spin
 * lock. Not busy: what is "inserted" is not put into the list, the caller
 * processes it. IRQL DISPATCH_LEVEL but where said otherwise.
 */
#include "ke/objects.h"
#include "ke/spinlock.h"

static PKDEVICE_QUEUE_ENTRY entry_of(LIST_ENTRY *link)
{
    return container_of(link, KDEVICE_QUEUE_ENTRY, DeviceListEntry);
}

/* Rules: SQ-01. IRQL: <= DISPATCH_LEVEL. */
EXPORT(ntoskrnl, KeInitializeDeviceQueue, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
VOID NTAPI KeInitializeDeviceQueue(PKDEVICE_QUEUE DeviceQueue)
{
    /* SQ-01: not busy and empty. */
    *DeviceQueue = (KDEVICE_QUEUE){.Type = DeviceQueueObject, .Size = sizeof *DeviceQueue};
    list_init(&DeviceQueue->DeviceListHead);
}

static bool insert_after(PKDEVICE_QUEUE queue, PKDEVICE_QUEUE_ENTRY entry, LIST_ENTRY *at)
{
    entry->Inserted = queue->Busy;
    if (queue->Busy)
        list_insert_head(at, &entry->DeviceListEntry);
    /* SQ-31, SQ-40: one at a time, until a removal finds the list empty. */
    queue->Busy = TRUE;
    return entry->Inserted;
}

/* FALSE: the queue was not busy, the caller processes the entry now. Rules: SQ-02. */
EXPORT(ntoskrnl, KeInsertDeviceQueue, DISPATCH_LEVEL, DISPATCH_LEVEL, X_PLAIN)
BOOLEAN NTAPI KeInsertDeviceQueue(PKDEVICE_QUEUE DeviceQueue, PKDEVICE_QUEUE_ENTRY DeviceQueueEntry)
{
    spinlock_acquire(&DeviceQueue->Lock);
    /* SQ-02, REQ-13: behind the last one, but only if the queue was busy. */
    BOOLEAN inserted = insert_after(DeviceQueue, DeviceQueueEntry, DeviceQueue->DeviceListHead.Blink);
    spinlock_release(&DeviceQueue->Lock);
    return inserted;
}

/* The last entry whose key is not greater. */
static LIST_ENTRY *place_for(PKDEVICE_QUEUE queue, ULONG key)
{
    LIST_ENTRY *at = queue->DeviceListHead.Blink;
    while (at != &queue->DeviceListHead && entry_of(at)->SortKey > key)
        at = at->Blink;
    return at;
}

/* Rules: SQ-03. */
EXPORT(ntoskrnl, KeInsertByKeyDeviceQueue, DISPATCH_LEVEL, DISPATCH_LEVEL, X_PLAIN)
BOOLEAN NTAPI KeInsertByKeyDeviceQueue(PKDEVICE_QUEUE DeviceQueue, PKDEVICE_QUEUE_ENTRY DeviceQueueEntry,
                                       ULONG SortKey)
{
    spinlock_acquire(&DeviceQueue->Lock);
    DeviceQueueEntry->SortKey = SortKey;
    /* SQ-03: after all keys that are not greater. */
    BOOLEAN inserted = insert_after(DeviceQueue, DeviceQueueEntry, place_for(DeviceQueue, SortKey));
    spinlock_release(&DeviceQueue->Lock);
    return inserted;
}

/* Takes the entry out; none: the queue is no longer busy. */
static PKDEVICE_QUEUE_ENTRY take(PKDEVICE_QUEUE queue, LIST_ENTRY *link)
{
    if (link == &queue->DeviceListHead) {
        queue->Busy = FALSE;
        return NULL;
    }
    list_remove(link);
    entry_of(link)->Inserted = FALSE;
    return entry_of(link);
}

static void check_busy(PKDEVICE_QUEUE queue)
{
    if (likely(queue->Busy))
        return;
    spinlock_release(&queue->Lock);
    bugcheck_sentence(DEVICE_QUEUE_NOT_BUSY, (uintptr_t)queue, 0, 0, 0,
                      "an entry was removed from a device queue that is not busy");
}

/* NULL: it was empty and is now not busy. A queue that is not busy: bug check 0x2. Rules: SQ-04. */
EXPORT(ntoskrnl, KeRemoveDeviceQueue, DISPATCH_LEVEL, DISPATCH_LEVEL, X_PLAIN)
PKDEVICE_QUEUE_ENTRY NTAPI KeRemoveDeviceQueue(PKDEVICE_QUEUE DeviceQueue)
{
    spinlock_acquire(&DeviceQueue->Lock);
    check_busy(DeviceQueue);
    /* SQ-04, SQ-41: the head, or nothing and idle. */
    PKDEVICE_QUEUE_ENTRY entry = take(DeviceQueue, DeviceQueue->DeviceListHead.Flink);
    spinlock_release(&DeviceQueue->Lock);
    return entry;
}

/* The first entry with a key not below, else the first. */
static LIST_ENTRY *find_by_key(PKDEVICE_QUEUE queue, ULONG key)
{
    list_for_each(it, &queue->DeviceListHead) if (entry_of(it)->SortKey >= key) return it;
    return queue->DeviceListHead.Flink;
}

/* Rules: SQ-05. */
EXPORT(ntoskrnl, KeRemoveByKeyDeviceQueue, DISPATCH_LEVEL, DISPATCH_LEVEL, X_PLAIN)
PKDEVICE_QUEUE_ENTRY NTAPI KeRemoveByKeyDeviceQueue(PKDEVICE_QUEUE DeviceQueue, ULONG SortKey)
{
    spinlock_acquire(&DeviceQueue->Lock);
    check_busy(DeviceQueue);
    /* SQ-05: upwards from the key, then around to the first. */
    PKDEVICE_QUEUE_ENTRY entry = take(DeviceQueue, find_by_key(DeviceQueue, SortKey));
    spinlock_release(&DeviceQueue->Lock);
    return entry;
}

/* Rules: SQ-09. */
EXPORT(ntoskrnl, KeRemoveByKeyDeviceQueueIfBusy, DISPATCH_LEVEL, DISPATCH_LEVEL, X_PLAIN)
PKDEVICE_QUEUE_ENTRY NTAPI KeRemoveByKeyDeviceQueueIfBusy(PKDEVICE_QUEUE DeviceQueue, ULONG SortKey)
{
    PKDEVICE_QUEUE_ENTRY entry = NULL;
    spinlock_acquire(&DeviceQueue->Lock);
    /* SQ-09: a queue that is not busy is left alone. */
    if (DeviceQueue->Busy)
        entry = take(DeviceQueue, find_by_key(DeviceQueue, SortKey));
    spinlock_release(&DeviceQueue->Lock);
    return entry;
}

/* TRUE: the entry was queued and is out; busy or not does not change. Rules: SQ-06. IRQL: <= DISPATCH_LEVEL.
 */
EXPORT(ntoskrnl, KeRemoveEntryDeviceQueue, PASSIVE_LEVEL, DISPATCH_LEVEL, X_BLOCKS)
BOOLEAN NTAPI KeRemoveEntryDeviceQueue(PKDEVICE_QUEUE DeviceQueue, PKDEVICE_QUEUE_ENTRY DeviceQueueEntry)
{
    KIRQL irql = ke_raise_irql(DISPATCH_LEVEL);
    spinlock_acquire(&DeviceQueue->Lock);
    /* SQ-06, SQ-34: that entry, if it is in a queue. */
    BOOLEAN queued =
        DeviceQueueEntry->Inserted && take(DeviceQueue, &DeviceQueueEntry->DeviceListEntry) != NULL;
    spinlock_release(&DeviceQueue->Lock);
    ke_lower_irql(irql);
    return queued;
}
