/* SPDX-License-Identifier: MIT */
/*
 * Power settings: the values that the system has from the start or was given,
 * and the callbacks that are told when one changes. Lists are guarded by
 * po_lock; callbacks run one after the other under a mutex of the power
 * manager's, so that nobody is told of an older value after a newer one.
 */
#include "po/private.h"

struct setting {
    LIST_ENTRY link;
    GUID guid;
    ULONG length;
    UCHAR value[];
};

struct registration {
    LIST_ENTRY link;
    GUID guid;
    PPOWER_SETTING_CALLBACK callback;
    PVOID context;
    bool gone;
};

static LIST_ENTRY settings, registrations;
static KMUTEX telling;
static bool on_battery;

static const GUID acdc_source = {
    0x5D3E9A59, 0xE9D5, 0x4B00, {0xA6, 0xBD, 0xFF, 0x34, 0xFF, 0x51, 0x65, 0x48}};
static const struct {
    GUID guid;
    ULONG value;
} initial[] = {
    /* GUID_ACDC_POWER_SOURCE: AC */
    {{0x5D3E9A59, 0xE9D5, 0x4B00, {0xA6, 0xBD, 0xFF, 0x34, 0xFF, 0x51, 0x65, 0x48}}, 0},
    /* GUID_MONITOR_POWER_ON */
    {{0x02731015, 0x4510, 0x4526, {0x99, 0xE6, 0xE5, 0xA1, 0x7E, 0xBD, 0x1A, 0xEA}}, 1},
    /* GUID_CONSOLE_DISPLAY_STATE */
    {{0x6FE69556, 0x704A, 0x47A0, {0x8F, 0x24, 0xC2, 0x8D, 0x93, 0x6F, 0xDA, 0x47}}, 1},
    /* GUID_LIDSWITCH_STATE_CHANGE: open */
    {{0xBA3E0F4D, 0xB817, 0x4094, {0xA2, 0xD1, 0xD5, 0x63, 0x79, 0xE6, 0xA0, 0xF3}}, 1},
    /* GUID_BATTERY_PERCENTAGE_REMAINING */
    {{0xA7AD8041, 0xB45A, 0x4CAE, {0x87, 0xA3, 0xEE, 0xCB, 0xB4, 0x68, 0xA9, 0xE1}}, 100},
    /* GUID_SYSTEM_AWAYMODE */
    {{0x98A7F580, 0x01F7, 0x48AA, {0x9C, 0x0F, 0x44, 0x35, 0x2C, 0x29, 0xE5, 0xC0}}, 0},
};

static bool same(const GUID *a, const GUID *b)
{
    return __builtin_memcmp(a, b, sizeof(*a)) == 0;
}

/* po_lock. */
static struct setting *find(const GUID *guid)
{
    list_for_each(it, &settings)
    {
        struct setting *setting = container_of(it, struct setting, link);
        if (same(&setting->guid, guid))
            return setting;
    }
    return NULL;
}

static struct setting *make(const GUID *guid, const void *value, ULONG length)
{
    struct setting *setting = mm_alloc(sizeof(*setting) + length, PO_TAG);
    if (!setting)
        return NULL;
    setting->guid = *guid;
    setting->length = length;
    __builtin_memcpy(setting->value, value, length);
    return setting;
}

/* A copy of what it is now; NULL: the system has no such setting, or no memory. */
static struct setting *copy_of(const GUID *guid)
{
    KIRQL irql = KeAcquireSpinLockRaiseToDpc(&po_lock);
    const struct setting *setting = find(guid);
    struct setting *copy = setting ? make(guid, setting->value, setting->length) : NULL;
    KeReleaseSpinLock(&po_lock, irql);
    return copy;
}

static bool replace(struct setting *next)
{
    KIRQL irql = KeAcquireSpinLockRaiseToDpc(&po_lock);
    struct setting *former = find(&next->guid);
    if (former)
        list_remove(&former->link);
    list_insert_tail(&settings, &next->link);
    if (same(&next->guid, &acdc_source) && next->length >= sizeof(ULONG))
        on_battery = *(const ULONG *)next->value != 0;
    KeReleaseSpinLock(&po_lock, irql);
    bool changed = !former || former->length != next->length ||
                   __builtin_memcmp(former->value, next->value, next->length) != 0;
    mm_free(former);
    return changed;
}

void po_settings_reset(void)
{
    list_init(&settings);
    list_init(&registrations);
    on_battery = false;
    KeInitializeMutex(&telling, 0);
    for (size_t i = 0; i < countof(initial); i++) {
        struct setting *setting = make(&initial[i].guid, &initial[i].value, sizeof(initial[i].value));
        if (setting)
            list_insert_tail(&settings, &setting->link);
    }
}

bool po_on_battery(void)
{
    return on_battery;
}

/* A driver gets storage of its own to look at. */
static void tell(const struct registration *r, const struct setting *setting)
{
    struct setting *copy = make(&setting->guid, setting->value, setting->length);
    if (!copy)
        return;
    uint64_t cookie = ke_callout_enter("power setting", r->callback);
    /* SR-35: at PASSIVE_LEVEL, with the value as it is now. */
    r->callback(&copy->guid, copy->value, copy->length, r->context);
    ke_callout_leave("power setting", r->callback, cookie);
    mm_free(copy);
}

static void lock_telling(void)
{
    KeWaitForSingleObject(&telling, Executive, KernelMode, FALSE, NULL);
}

/* The registration behind `after` that wants this setting; those that ended meanwhile are freed by who ends.
 */
static struct registration *next_for(const GUID *guid, const struct registration *after)
{
    KIRQL irql = KeAcquireSpinLockRaiseToDpc(&po_lock);
    struct registration *found = NULL;
    LIST_ENTRY *it = after ? after->link.Flink : registrations.Flink;
    for (; it != &registrations && !found; it = it->Flink) {
        struct registration *r = container_of(it, struct registration, link);
        if (!r->gone && same(&r->guid, guid))
            found = r;
    }
    KeReleaseSpinLock(&po_lock, irql);
    return found;
}

/* Those whose owner ended them from inside a callback. The mutex is held, and not by a callback's caller. */
static void sweep(void)
{
    KIRQL irql = KeAcquireSpinLockRaiseToDpc(&po_lock);
    list_for_each_safe(it, next, &registrations)
    {
        struct registration *r = container_of(it, struct registration, link);
        if (r->gone) {
            list_remove(it);
            mm_free(r);
        }
    }
    KeReleaseSpinLock(&po_lock, irql);
}

static unsigned depth; /* of calls that hold the mutex: it can be acquired again by a callback */

static void enter(void)
{
    lock_telling();
    depth++;
}

static void leave(void)
{
    if (depth == 1)
        sweep();
    depth--;
    KeReleaseMutex(&telling, FALSE);
}

/* Rules: SR-35. */
NTSTATUS po_set_setting(const GUID *guid, const void *value, ULONG length)
{
    struct setting *next = make(guid, value, length), *told = make(guid, value, length);
    if (!next || !told) {
        mm_free(next);
        mm_free(told);
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    enter();
    if (replace(next))
        for (struct registration *r = NULL; (r = next_for(guid, r)) != NULL;)
            /* SR-35: everybody who registered for it. */
            tell(r, told);
    leave();
    mm_free(told);
    return STATUS_SUCCESS;
}

/*
 * Tells the driver the setting's value now, before it returns, and whenever it changes.
 * Owns: *Handle is the caller's, until PoUnregisterPowerSettingCallback. IRQL: PASSIVE_LEVEL. Rules: SR-35.
 */
EXPORT(ntoskrnl, PoRegisterPowerSettingCallback, PASSIVE_LEVEL, PASSIVE_LEVEL, X_CALLS_DRIVER | X_BLOCKS)
NTSTATUS NTAPI PoRegisterPowerSettingCallback(PDEVICE_OBJECT DeviceObject, LPCGUID SettingGuid,
                                              PPOWER_SETTING_CALLBACK Callback, PVOID Context, PVOID *Handle)
{
    struct registration *r = mm_alloc(sizeof(*r), PO_TAG);
    if (!r)
        return STATUS_INSUFFICIENT_RESOURCES;
    r->guid = *SettingGuid;
    r->callback = Callback;
    r->context = Context;
    if (Handle)
        *Handle = r;
    enter();
    KIRQL irql = KeAcquireSpinLockRaiseToDpc(&po_lock);
    list_insert_tail(&registrations, &r->link);
    KeReleaseSpinLock(&po_lock, irql);
    struct setting *setting = copy_of(SettingGuid);
    if (setting)
        /* SR-35: what it is now, although nothing changed. */
        tell(r, setting);
    mm_free(setting);
    leave();
    return STATUS_SUCCESS;
}

/*
 * No call of the callback is under way when it returns, but one that it is called from.
 * STATUS_INVALID_PARAMETER: no such handle. IRQL: PASSIVE_LEVEL. Rules: SR-35.
 */
EXPORT(ntoskrnl, PoUnregisterPowerSettingCallback, PASSIVE_LEVEL, PASSIVE_LEVEL, X_BLOCKS)
NTSTATUS NTAPI PoUnregisterPowerSettingCallback(PVOID Handle)
{
    bool found = false;
    enter();
    KIRQL irql = KeAcquireSpinLockRaiseToDpc(&po_lock);
    list_for_each(it, &registrations)
    {
        struct registration *r = container_of(it, struct registration, link);
        if (r == Handle && !r->gone)
            /* SR-35: it hears of no further change. */
            r->gone = found = true;
    }
    KeReleaseSpinLock(&po_lock, irql);
    leave();
    return found ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
}
