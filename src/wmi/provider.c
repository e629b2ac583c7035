/* SPDX-License-Identifier: MIT */
/*
 * Who provides data: IoWMIRegistrationControl. A provider that registers is
 * asked for its blocks on a system worker (IRP_MN_REGINFO_EX in the context of a
 * system thread); one that deregisters waits until nothing is in flight to it.
 * Lock: wmi_lock.
 */
#include "wmi/private.h"

rl_lock wmi_lock;
static LIST_ENTRY providers; /* wmi_lock */
static ULONG next_id;        /* wmi_lock */
static ULONG registering;    /* wmi_lock: providers whose work is queued or runs */
static KEVENT none_registers;

void wmi_providers_reset(void)
{
    wmi_lock = (rl_lock){0};
    list_init(&providers);
    next_id = 1;
    registering = 0;
    KeInitializeEvent(&none_registers, NotificationEvent, TRUE);
}

void wmi_provider_release(struct wmi_provider *p)
{
    if (__atomic_sub_fetch(&p->references, 1, __ATOMIC_ACQ_REL) != 0)
        return;
    if (!p->callback)
        ob_dereference(p->registered);
    mm_free(p);
}

static void reference(struct wmi_provider *p)
{
    __atomic_add_fetch(&p->references, 1, __ATOMIC_RELAXED);
}

static struct wmi_provider *find_locked(const DEVICE_OBJECT *registered)
{
    list_for_each(it, &providers)
    {
        struct wmi_provider *p = container_of(it, struct wmi_provider, link);
        if (p->registered == registered)
            return p;
    }
    return NULL;
}

static struct wmi_provider *find(const DEVICE_OBJECT *registered)
{
    rl_lock_acquire(&wmi_lock);
    struct wmi_provider *p = find_locked(registered);
    if (p)
        reference(p);
    rl_lock_release(&wmi_lock);
    return p;
}

/* ---- requests in flight ---- */

bool wmi_provider_enter(struct wmi_provider *p)
{
    rl_lock_acquire(&wmi_lock);
    bool takes = !p->gone && !p->blocked;
    if (takes && p->in_flight++ == 0)
        KeClearEvent(&p->idle);
    rl_lock_release(&wmi_lock);
    return takes;
}

void wmi_provider_leave(struct wmi_provider *p)
{
    rl_lock_acquire(&wmi_lock);
    bool last = --p->in_flight == 0;
    rl_lock_release(&wmi_lock);
    if (last)
        KeSetEvent(&p->idle, 0, FALSE);
}

/* ---- asking it what it has ---- */

static ULONG larger(const void *buffer, ULONG bytes)
{
    ULONG wanted;
    __builtin_memcpy(&wanted, buffer, sizeof(wanted));
    return wanted > bytes && wanted <= WMI_LARGEST_BUFFER ? wanted : 0;
}

/* Its answer and the buffer's bytes; NULL: it has none. *minor: by which it answered. */
static void *ask_with(struct wmi_provider *p, UCHAR minor, ULONG path, ULONG_PTR *bytes)
{
    for (ULONG room = WMI_FIRST_BUFFER; room;) {
        void *buffer = mm_alloc(room, WMI_TAG);
        if (!buffer)
            return NULL;
        /* WMI-08, WMI-0B: what is registered first, or what has changed. */
        NTSTATUS status = wmi_send(p, minor, (const void *)(ULONG_PTR)path, buffer, room, bytes);
        if (NT_SUCCESS(status) && *bytes <= room)
            return buffer;
        /* WMI-08, WMI-0B: the first ULONG says how much it takes. */
        room = status == STATUS_BUFFER_TOO_SMALL ? larger(buffer, room) : 0;
        mm_free(buffer);
    }
    return NULL;
}

static void ask(struct wmi_provider *p, ULONG path)
{
    ULONG_PTR bytes = 0;
    if (!wmi_provider_enter(p))
        return;
    /* WMI-0B: since Windows XP. */
    bool counted = true;
    void *info = ask_with(p, IRP_MN_REGINFO_EX, path, &bytes);
    if (!info) {
        /* WMI-08: a driver of before knows only this one, and does not count its PDO for us. */
        counted = false;
        info = ask_with(p, IRP_MN_REGINFO, path, &bytes);
    }
    if (info)
        wmi_take_reginfo(p, info, (ULONG)bytes, path == WMIUPDATE, counted);
    mm_free(info);
    wmi_provider_leave(p);
}

/* The next thing to ask for; WMIUPDATE + 1: nothing more. */
static ULONG next_wanted(struct wmi_provider *p)
{
    ULONG path = WMIREGISTER;
    rl_lock_acquire(&wmi_lock);
    while (path <= WMIUPDATE && !p->wanted[path])
        path++;
    if (path <= WMIUPDATE)
        p->wanted[path] = false;
    else
        p->queued = false;
    bool last = !p->queued && --registering == 0;
    rl_lock_release(&wmi_lock);
    if (last)
        KeSetEvent(&none_registers, 0, FALSE);
    return path;
}

static void registration_work(void *context)
{
    struct wmi_provider *p = context;
    for (ULONG path; (path = next_wanted(p)) <= WMIUPDATE;)
        ask(p, path);
    wmi_provider_release(p);
}

static void want(struct wmi_provider *p, ULONG path)
{
    rl_lock_acquire(&wmi_lock);
    p->wanted[path] = true;
    bool queue = !p->queued;
    p->queued = true;
    if (queue && registering++ == 0)
        KeClearEvent(&none_registers);
    rl_lock_release(&wmi_lock);
    if (!queue)
        return;
    reference(p);
    /* WMI-08, WMI-0B: at PASSIVE_LEVEL in the context of a system thread. */
    ex_queue_work(&p->work, registration_work, p);
}

void wmi_wait_for_registrations(void)
{
    KeWaitForSingleObject(&none_registers, Executive, KernelMode, FALSE, NULL);
}

/* ---- registering ---- */

static NTSTATUS add(PDEVICE_OBJECT registered, bool callback)
{
    struct wmi_provider *p = mm_alloc(sizeof(*p), WMI_TAG);
    if (!p)
        return STATUS_INSUFFICIENT_RESOURCES;
    p->references = 2; /* the list's, and until we are done */
    p->registered = registered;
    p->callback = callback ? *(PWMIENTRY *)registered : NULL;
    list_init(&p->blocks);
    KeInitializeEvent(&p->idle, NotificationEvent, TRUE);
    if (!callback)
        ob_reference(registered);
    rl_lock_acquire(&wmi_lock);
    bool known = find_locked(registered) != NULL;
    p->id = next_id++;
    if (!known)
        list_insert_tail(&providers, &p->link);
    rl_lock_release(&wmi_lock);
    if (known) {
        p->references = 1;
    } else {
        ke_hold(KE_HELD_WMI, registered);
        want(p, WMIREGISTER);
    }
    wmi_provider_release(p);
    return known ? STATUS_OBJECT_NAME_EXISTS : STATUS_SUCCESS;
}

/* False: it is not in the list any more. */
static bool take_out(struct wmi_provider *p)
{
    rl_lock_acquire(&wmi_lock);
    bool here = !p->gone;
    p->gone = true;
    if (here)
        list_remove(&p->link);
    rl_lock_release(&wmi_lock);
    if (here)
        ke_unhold(KE_HELD_WMI, p->registered);
    return here;
}

static void deregister(struct wmi_provider *p)
{
    if (!take_out(p))
        return;
    /* MJ-17: until all that was sent to it has come back. */
    KeWaitForSingleObject(&p->idle, Executive, KernelMode, FALSE, NULL);
    wmi_remove_blocks(p);
    wmi_provider_release(p);
}

static NTSTATUS control(struct wmi_provider *p, ULONG action)
{
    switch (action) {
    case WMIREG_ACTION_DEREGISTER:
        deregister(p);
        return STATUS_SUCCESS;
    case WMIREG_ACTION_REREGISTER:
        want(p, WMIREGISTER);
        return STATUS_SUCCESS;
    case WMIREG_ACTION_UPDATE_GUIDS:
        want(p, WMIUPDATE);
        return STATUS_SUCCESS;
    default:
        rl_lock_acquire(&wmi_lock);
        /* MJ-17: WMIREG_ACTION_BLOCK_IRPS: nothing is sent to it any more. */
        p->blocked = true;
        rl_lock_release(&wmi_lock);
        return STATUS_SUCCESS;
    }
}

/*
 * DeviceObject: who answers WMI's requests; with WMIREG_FLAG_CALLBACK a structure that begins with the
 * routine to call instead. STATUS_OBJECT_NAME_EXISTS: it is registered; STATUS_INVALID_PARAMETER: it is not,
 * or Action is none. DEREGISTER from a dispatch routine for IRP_MJ_SYSTEM_CONTROL waits for itself, as on
 * Windows. IRQL: PASSIVE_LEVEL. Rules: WMI-08, WMI-0B, MJ-17.
 */
EXPORT(ntoskrnl, IoWMIRegistrationControl, PASSIVE_LEVEL, PASSIVE_LEVEL, X_BLOCKS)
NTSTATUS NTAPI IoWMIRegistrationControl(PDEVICE_OBJECT DeviceObject, ULONG Action)
{
    ULONG action = Action & 0xFFFF;
    if (action < WMIREG_ACTION_REGISTER || action > WMIREG_ACTION_BLOCK_IRPS || !DeviceObject)
        return STATUS_INVALID_PARAMETER;
    if (action == WMIREG_ACTION_REGISTER)
        return add(DeviceObject, Action & WMIREG_FLAG_CALLBACK);
    struct wmi_provider *p = find(DeviceObject);
    if (!p)
        return STATUS_INVALID_PARAMETER;
    NTSTATUS status = control(p, action);
    wmi_provider_release(p);
    return status;
}

/* 0: not registered. IRQL: <= DISPATCH_LEVEL. */
EXPORT(ntoskrnl, IoWMIDeviceObjectToProviderId, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
ULONG NTAPI IoWMIDeviceObjectToProviderId(PDEVICE_OBJECT DeviceObject)
{
    rl_lock_acquire(&wmi_lock);
    struct wmi_provider *p = find_locked(DeviceObject);
    ULONG id = p ? p->id : 0;
    rl_lock_release(&wmi_lock);
    return id;
}

/* ---- without the driver's word ---- */

void wmi_device_deleted(PDEVICE_OBJECT device)
{
    struct wmi_provider *p = find(device);
    if (!p)
        return;
    if (wmi_ops.violation)
        wmi_ops.violation(0xC4, 0xDB, (ULONG_PTR)device, 0, 0,
                          "a device object was deleted that is still registered with WMI");
    if (take_out(p)) {
        wmi_remove_blocks(p);
        wmi_provider_release(p);
    }
    wmi_provider_release(p);
}

/* At the machine's end; memory only. */
void wmi_providers_fini(void)
{
    while (!list_empty(&providers)) {
        struct wmi_provider *p = container_of(list_remove_head(&providers), struct wmi_provider, link);
        p->gone = true;
        wmi_remove_blocks(p);
        mm_free(p);
    }
}

/* ---- snapshots ---- */

static bool is_wanted(const struct wmi_provider *p, const struct wmi_block *b, const struct wmi_class *class)
{
    return !p->blocked && (!class || b->class == class);
}

/* Counts what is wanted, and takes up to `room` of it. */
static unsigned collect_locked(const struct wmi_class *class, struct wmi_block **to, unsigned room)
{
    unsigned count = 0;
    list_for_each(it, &providers)
    {
        struct wmi_provider *p = container_of(it, struct wmi_provider, link);
        list_for_each(at, &p->blocks)
        {
            struct wmi_block *b = container_of(at, struct wmi_block, link);
            if (!is_wanted(p, b, class))
                continue;
            if (count < room) {
                __atomic_add_fetch(&b->references, 1, __ATOMIC_RELAXED);
                to[count] = b;
            }
            count++;
        }
    }
    return count;
}

NTSTATUS wmi_blocks_of(const struct wmi_class *class, struct wmi_blocks *blocks)
{
    unsigned room = 8;
    for (;; room *= 2) {
        blocks->block = mm_alloc(room * sizeof(struct wmi_block *), WMI_TAG);
        if (!blocks->block)
            return STATUS_INSUFFICIENT_RESOURCES;
        rl_lock_acquire(&wmi_lock);
        unsigned found = collect_locked(class, blocks->block, room);
        rl_lock_release(&wmi_lock);
        blocks->count = MIN(found, room);
        if (found <= room)
            return STATUS_SUCCESS;
        wmi_blocks_release(blocks);
    }
}
