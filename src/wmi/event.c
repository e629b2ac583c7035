/* SPDX-License-Identifier: MIT */
/*
 * Events: a driver's WNODE is copied and queued, its memory is freed, and a
 * system worker delivers in the order of writing. What only refers to the event
 * (WNODE_EVENT_REFERENCE) is queried from its provider first. Lock: queue_lock,
 * at any IRQL up to DISPATCH_LEVEL.
 */
#include "wmi/private.h"

struct event {
    LIST_ENTRY link;
    ULONG bytes;
    void *wnode; /* mm_alloc */
};

static rl_lock queue_lock;
static LIST_ENTRY queue; /* queue_lock */
static bool working;     /* queue_lock: the work is queued or runs */
static struct ex_work work;

void wmi_events_reset(void)
{
    queue_lock = (rl_lock){0};
    list_init(&queue);
    working = false;
}

/* ---- delivery, on a worker ---- */

/* The provider's block of that class, referenced. */
static struct wmi_block *block_of(ULONG provider, struct wmi_class *class)
{
    struct wmi_block *found = NULL;
    struct wmi_blocks blocks;
    if (!NT_SUCCESS(wmi_blocks_of(class, &blocks)))
        return NULL;
    for (unsigned i = 0; i < blocks.count && !found; i++)
        if (blocks.block[i]->provider->id == provider) {
            found = blocks.block[i];
            __atomic_add_fetch(&found->references, 1, __ATOMIC_RELAXED);
        }
    wmi_blocks_release(&blocks);
    return found;
}

/* The event that a reference means, in its place. */
static bool resolve(struct event *e, struct wmi_block *b)
{
    const WNODE_EVENT_REFERENCE *reference = e->wnode;
    UNICODE_STRING name;
    void *wnode = NULL;
    ULONG bytes;
    bool is_static = reference->WnodeHeader.Flags & WNODE_FLAG_STATIC_INSTANCE_NAMES;
    if (is_static && reference->TargetInstanceIndex >= b->names)
        return false;
    if (is_static)
        name = b->name[reference->TargetInstanceIndex];
    else if (!wmi_counted_string(reference, e->bytes, offsetof(WNODE_EVENT_REFERENCE, TargetInstanceName),
                                 &name))
        return false;
    /* WMI-01: for an event that is larger than an event may be. */
    if (!NT_SUCCESS(wmi_block_query_one(b, &name, &wnode, &bytes)))
        return false;
    ((WNODE_HEADER *)wnode)->Flags |= WNODE_FLAG_EVENT_ITEM;
    mm_free(e->wnode);
    e->wnode = wnode;
    e->bytes = bytes;
    return true;
}

static void tell(struct wmi_class *class, struct event *e)
{
    wmi_notify(class, e->wnode);
    rl_lock_acquire(&wmi_lock);
    bool api = class->api[WMI_EVENTS];
    rl_lock_release(&wmi_lock);
    if (api && wmi_event_seen)
        wmi_event_seen(e->wnode, e->bytes);
}

static bool is_wanted(struct wmi_class *class)
{
    rl_lock_acquire(&wmi_lock);
    bool wanted = class->users[WMI_EVENTS] > 0;
    rl_lock_release(&wmi_lock);
    return wanted;
}

static void deliver(struct event *e)
{
    const WNODE_HEADER *header = e->wnode;
    bool reference = header->Flags & WNODE_FLAG_EVENT_REFERENCE;
    const GUID *guid = reference ? &((WNODE_EVENT_REFERENCE *)e->wnode)->TargetGuid : &header->Guid;
    struct wmi_class *class = wmi_class_of(guid);
    /* WMI-05: nobody wants it any more. */
    if (!class || !is_wanted(class))
        return;
    struct wmi_block *b = block_of(header->ProviderId, class);
    bool named = !(header->Flags & WNODE_FLAG_STATIC_INSTANCE_NAMES);
    bool good = reference ? b && resolve(e, b) : named || (b && wmi_write_names(b, &e->wnode, &e->bytes));
    if (good)
        tell(class, e);
    if (b)
        wmi_block_release(b);
}

static struct event *next_event(void)
{
    rl_lock_acquire(&queue_lock);
    bool empty = list_empty(&queue);
    struct event *e = empty ? NULL : container_of(list_remove_head(&queue), struct event, link);
    if (empty)
        working = false;
    rl_lock_release(&queue_lock);
    return e;
}

static void deliver_all(void *context)
{
    for (struct event *e; (e = next_event()) != NULL;) {
        deliver(e);
        mm_free(e->wnode);
        mm_free(e);
    }
}

/* ---- writing ---- */

static NTSTATUS check(const WNODE_HEADER *header)
{
    const ULONG events = WNODE_FLAG_EVENT_ITEM | WNODE_FLAG_EVENT_REFERENCE;
    ULONG least = header->Flags & WNODE_FLAG_EVENT_REFERENCE ? (ULONG)sizeof(WNODE_EVENT_REFERENCE)
                                                             : (ULONG)sizeof(WNODE_HEADER);
    if (header->Flags & WNODE_FLAG_TRACED_GUID)
        return STATUS_INVALID_HANDLE; /* for a session of the system logger, and there is none */
    if (!(header->Flags & events) || header->BufferSize < least)
        return STATUS_INVALID_PARAMETER;
    /* WMI-04: what is larger is sent as a reference. */
    return header->BufferSize > WMI_LARGEST_EVENT ? STATUS_BUFFER_OVERFLOW : STATUS_SUCCESS;
}

static NTSTATUS enqueue(const WNODE_HEADER *header)
{
    struct event *e = mm_alloc(sizeof(*e), WMI_TAG);
    void *copy = mm_alloc(header->BufferSize, WMI_TAG);
    if (!e || !copy) {
        mm_free(e);
        mm_free(copy);
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    __builtin_memcpy(copy, header, header->BufferSize);
    *e = (struct event){.bytes = header->BufferSize, .wnode = copy};
    KIRQL irql = ke_raise_irql(DISPATCH_LEVEL);
    rl_lock_acquire(&queue_lock);
    list_insert_tail(&queue, &e->link);
    bool start = !working;
    working = true;
    rl_lock_release(&queue_lock);
    ke_lower_irql(irql);
    if (start)
        ex_queue_work(&work, deliver_all, NULL);
    return STATUS_SUCCESS;
}

/*
 * An event to those who have it enabled. STATUS_BUFFER_OVERFLOW: it is larger than an event may be;
 * STATUS_INVALID_HANDLE: it is for the system logger (WNODE_FLAG_TRACED_GUID), which has no session here.
 * Owns: on success the system frees WnodeEventItem, which is nonpaged pool; else the caller keeps it.
 * IRQL: <= APC_LEVEL; with WNODE_FLAG_TRACED_GUID any. Rules: WMI-04.
 */
EXPORT(ntoskrnl, IoWMIWriteEvent, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
NTSTATUS NTAPI IoWMIWriteEvent(PVOID WnodeEventItem)
{
    NTSTATUS status = check(WnodeEventItem);
    if (NT_SUCCESS(status))
        status = enqueue(WnodeEventItem);
    if (NT_SUCCESS(status))
        /* WMI-04: the driver's memory is the system's now. */
        mm_pool_free(WnodeEventItem, 0, __builtin_return_address(0));
    return status;
}
