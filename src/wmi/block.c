/* SPDX-License-Identifier: MIT */
/*
 * Data and event blocks: what a provider's WMIREGINFO says is checked and
 * copied, static instance names are made, events and collection are enabled
 * with the first consumer and disabled with the last. A block does not change
 * once it is in its provider's list; an update replaces it. Lock: wmi_lock.
 */
#include "wmi/private.h"

/* ---- the answer to IRP_MN_REGINFO(_EX) ---- */

struct reginfo {
    struct wmi_provider *provider;
    const UCHAR *base; /* of one WMIREGINFO */
    ULONG bytes;
    bool update, counted;
    UNICODE_STRING mof;
};

static bool has_flag(const WMIREGGUIDW *guid, ULONG flag)
{
    return guid->Flags & flag;
}

/* The static instance names' text as the driver gives it: the nth of a list, or what names begin with. */
static bool given_name(const struct reginfo *info, const WMIREGGUIDW *guid, ULONG n, UNICODE_STRING *name)
{
    ULONG at = guid->InstanceNameList;
    if (!has_flag(guid, WMIREG_FLAG_INSTANCE_LIST))
        return wmi_counted_string(info->base, info->bytes, guid->BaseNameOffset, name);
    for (ULONG i = 0;; i++) {
        if (!wmi_counted_string(info->base, info->bytes, at, name))
            return false;
        if (i == n)
            return true;
        at += (ULONG)sizeof(USHORT) + name->Length;
    }
}

/* The device instance path, and what the number is appended to; empty: the device has none. */
static void pdo_name(const WMIREGGUIDW *guid, UNICODE_STRING *name)
{
    struct pnp_node *node = pnp_node_of((PDEVICE_OBJECT)guid->Pdo);
    rtl_init_string(name, node && node->instance_path ? node->instance_path : u"");
}

static ULONG append_number(WCHAR *to, ULONG number, bool underscore)
{
    WCHAR digits[10];
    ULONG count = 0, at = 0;
    do
        digits[count++] = (WCHAR)('0' + number % 10);
    while ((number /= 10) != 0);
    if (underscore)
        to[at++] = '_';
    while (count)
        to[at++] = digits[--count];
    return at;
}

/* Somebody's instance of that class has the name already. */
static bool is_taken(const struct wmi_blocks *others, const struct wmi_block *own, ULONG made,
                     const UNICODE_STRING *name)
{
    for (ULONG i = 0; i < made; i++)
        if (RtlEqualUnicodeString(&own->name[i], name, TRUE))
            return true;
    for (unsigned i = 0; i < others->count; i++)
        if (others->block[i]->provider != own->provider && wmi_index_of_name(others->block[i], name) >= 0)
            return true;
    return false;
}

static void make_name(const struct wmi_blocks *others, struct wmi_block *b, ULONG n,
                      const UNICODE_STRING *given, ULONG *counter)
{
    UNICODE_STRING *name = &b->name[n];
    bool list = has_flag(&b->registered, WMIREG_FLAG_INSTANCE_LIST);
    bool pdo = has_flag(&b->registered, WMIREG_FLAG_INSTANCE_PDO);
    __builtin_memcpy(name->Buffer, given->Buffer, given->Length);
    name->Length = given->Length;
    if (list && !is_taken(others, b, n, name))
        return;
    do {
        /* WMI-0B: a counter behind the base name or the path; the next one if somebody has that name. */
        ULONG digits = append_number(name->Buffer + given->Length / sizeof(WCHAR), (*counter)++, pdo || list);
        name->Length = (USHORT)(given->Length + digits * sizeof(WCHAR));
    } while (is_taken(others, b, n, name));
}

/* Text of each name: what is given and a number of up to eleven characters. */
static bool measure(const struct reginfo *info, const WMIREGGUIDW *guid, size_t *bytes)
{
    UNICODE_STRING given;
    for (ULONG i = 0; i < guid->InstanceCount; i++) {
        if (has_flag(guid, WMIREG_FLAG_INSTANCE_PDO))
            pdo_name(guid, &given);
        else if (!given_name(info, guid, i, &given))
            return false;
        *bytes += sizeof(UNICODE_STRING) + given.Length + 12 * sizeof(WCHAR);
        if (*bytes > WMI_LARGEST_BUFFER || given.Length > 0xFF00)
            return false;
    }
    return true;
}

static void make_names(const struct reginfo *info, struct wmi_block *b)
{
    WCHAR *text = (WCHAR *)&b->name[b->names];
    struct wmi_blocks others = {0};
    UNICODE_STRING given;
    ULONG counter = 0;
    wmi_blocks_of(b->class, &others);
    for (ULONG i = 0; i < b->names; i++) {
        if (has_flag(&b->registered, WMIREG_FLAG_INSTANCE_PDO))
            pdo_name(&b->registered, &given);
        else
            given_name(info, &b->registered, i, &given);
        b->name[i].Buffer = text;
        make_name(&others, b, i, &given, &counter);
        b->name[i].MaximumLength = b->name[i].Length;
        text += given.Length / sizeof(WCHAR) + 12;
    }
    wmi_blocks_release(&others);
}

static WCHAR *copy_text(const UNICODE_STRING *text)
{
    WCHAR *copy = text->Length ? mm_alloc(text->Length + sizeof(WCHAR), WMI_TAG) : NULL;
    if (copy)
        __builtin_memcpy(copy, text->Buffer, text->Length);
    return copy;
}

/* NULL: no memory, or names that lie outside. */
static struct wmi_block *create(const struct reginfo *info, const WMIREGGUIDW *guid, struct wmi_class *class)
{
    size_t bytes = sizeof(struct wmi_block);
    bool named = has_flag(guid, WMI_STATIC_NAMES);
    if (named && !measure(info, guid, &bytes))
        return NULL;
    struct wmi_block *b = mm_alloc(bytes, WMI_TAG);
    if (!b)
        return NULL;
    b->references = 1;
    b->provider = info->provider;
    __atomic_add_fetch(&info->provider->references, 1, __ATOMIC_RELAXED);
    b->class = class;
    b->registered = *guid;
    b->names = named ? guid->InstanceCount : 0;
    b->mof = copy_text(&info->mof);
    KeInitializeEvent(&b->settled, NotificationEvent, FALSE);
    make_names(info, b);
    return b;
}

void wmi_block_release(struct wmi_block *b)
{
    if (__atomic_sub_fetch(&b->references, 1, __ATOMIC_ACQ_REL) != 0)
        return;
    wmi_provider_release(b->provider);
    mm_free(b->mof);
    mm_free(b);
}

void wmi_blocks_release(struct wmi_blocks *blocks)
{
    for (unsigned i = 0; i < blocks->count; i++)
        wmi_block_release(blocks->block[i]);
    mm_free(blocks->block);
    *blocks = (struct wmi_blocks){0};
}

LONG wmi_index_of_name(const struct wmi_block *b, const UNICODE_STRING *name)
{
    for (ULONG i = 0; i < b->names; i++)
        if (RtlEqualUnicodeString(&b->name[i], name, TRUE))
            return (LONG)i;
    return -1;
}

/* ---- into and out of the provider's list ---- */

static struct wmi_block *find_locked(const struct wmi_provider *p, const struct wmi_class *class)
{
    list_for_each(it, &p->blocks)
    {
        struct wmi_block *b = container_of(it, struct wmi_block, link);
        if (b->class == class)
            return b;
    }
    return NULL;
}

static struct wmi_block *take_out(struct wmi_provider *p, struct wmi_class *class)
{
    rl_lock_acquire(&wmi_lock);
    struct wmi_block *b = find_locked(p, class);
    if (b) {
        list_remove(&b->link);
        b->removed = true;
    }
    rl_lock_release(&wmi_lock);
    return b;
}

void wmi_remove_blocks(struct wmi_provider *p)
{
    rl_lock_acquire(&wmi_lock);
    while (!list_empty(&p->blocks)) {
        struct wmi_block *b = container_of(list_remove_head(&p->blocks), struct wmi_block, link);
        b->removed = true;
        rl_lock_release(&wmi_lock);
        wmi_block_release(b);
        rl_lock_acquire(&wmi_lock);
    }
    rl_lock_release(&wmi_lock);
}

static void settle(struct wmi_block *b);

static void put_in(struct wmi_block *b)
{
    struct wmi_provider *p = b->provider;
    rl_lock_acquire(&wmi_lock);
    bool takes = !p->gone;
    if (takes) {
        __atomic_add_fetch(&b->references, 1, __ATOMIC_RELAXED);
        list_insert_tail(&p->blocks, &b->link);
    }
    rl_lock_release(&wmi_lock);
    if (takes)
        /* WMI-04, WMI-06: somebody may have enabled it before it came. */
        settle(b);
    wmi_block_release(b);
}

/* The same registration again, names and all: nothing to do. */
static bool is_same(const struct wmi_block *old, const struct wmi_block *b)
{
    if (old->registered.Flags != b->registered.Flags || old->names != b->names ||
        old->registered.InstanceCount != b->registered.InstanceCount)
        return false;
    for (ULONG i = 0; i < b->names; i++)
        if (!RtlEqualUnicodeString(&old->name[i], &b->name[i], FALSE))
            return false;
    return true;
}

static void replace(struct wmi_provider *p, struct wmi_block *b)
{
    struct wmi_block *old = take_out(p, b->class);
    if (old) {
        /* A provider that is told again what it knows would count it twice. */
        b->on[WMI_EVENTS] = old->on[WMI_EVENTS];
        b->on[WMI_COLLECTION] = old->on[WMI_COLLECTION];
        if (!b->mof) {
            b->mof = old->mof;
            old->mof = NULL;
        }
        if (is_same(old, b))
            b->registered = old->registered;
        wmi_block_release(old);
    }
    put_in(b);
}

static void take_guid(const struct reginfo *info, const WMIREGGUIDW *guid)
{
    struct wmi_class *class = wmi_class_of(&guid->Guid);
    bool pdo = has_flag(guid, WMIREG_FLAG_INSTANCE_PDO);
    if (class && info->update && has_flag(guid, WMIREG_FLAG_REMOVE_GUID)) {
        /* WMI-0B: of an update, the blocks that go. */
        struct wmi_block *old = take_out(info->provider, class);
        if (old)
            wmi_block_release(old);
    } else if (class) {
        struct wmi_block *b = create(info, guid, class);
        if (b)
            replace(info->provider, b);
    }
    if (pdo && info->counted && guid->Pdo)
        /* WMI-0B: the driver has referenced each PDO for us. */
        ob_dereference((PDEVICE_OBJECT)guid->Pdo);
}

static void take_one(struct reginfo *info)
{
    const WMIREGINFOW *reg = (const WMIREGINFOW *)info->base;
    ULONG room = (info->bytes - (ULONG)sizeof(WMIREGINFOW)) / (ULONG)sizeof(WMIREGGUIDW);
    info->mof = (UNICODE_STRING){0};
    if (reg->MofResourceName && !info->update)
        wmi_counted_string(info->base, info->bytes, reg->MofResourceName, &info->mof);
    for (ULONG i = 0; i < MIN(reg->GuidCount, room); i++)
        take_guid(info, &reg->WmiRegGuid[i]);
}

void wmi_take_reginfo(struct wmi_provider *p, const void *data, ULONG bytes, bool update, bool counted)
{
    struct reginfo info = {.provider = p, .base = data, .bytes = bytes, .update = update, .counted = counted};
    if (!update)
        /* WMI-0B: WMIREGISTER replaces all that was there. */
        wmi_remove_blocks(p);
    while (info.bytes >= sizeof(WMIREGINFOW)) {
        ULONG next = ((const WMIREGINFOW *)info.base)->NextWmiRegInfo;
        take_one(&info);
        if (next < sizeof(WMIREGINFOW) || next >= info.bytes || next % sizeof(ULONG64))
            break;
        /* WMI-0B: on behalf of another driver. */
        info.base += next;
        info.bytes -= next;
    }
}

/* ---- enabling ---- */

static bool wants(const struct wmi_block *b, enum wmi_use use)
{
    ULONG flags = b->registered.Flags;
    if (b->removed || flags & WMIREG_FLAG_TRACED_GUID)
        return b->on[use];
    if (use == WMI_COLLECTION && !(flags & WMIREG_FLAG_EXPENSIVE))
        /* WMI-06, WMI-07: only what was registered as expensive to collect. */
        return false;
    return b->class->users[use] > 0;
}

static void tell(struct wmi_block *b, enum wmi_use use, bool on)
{
    static const UCHAR minors[2][2] = {{IRP_MN_DISABLE_EVENTS, IRP_MN_ENABLE_EVENTS},
                                       {IRP_MN_DISABLE_COLLECTION, IRP_MN_ENABLE_COLLECTION}};
    WNODE_HEADER header = {.BufferSize = sizeof(header), .Guid = b->class->guid};
    ULONG_PTR information;
    if (!wmi_provider_enter(b->provider))
        return;
    KeQuerySystemTimePrecise(&header.TimeStamp);
    /* WMI-04, WMI-05, WMI-06, WMI-07: with a header that says nothing about tracing. */
    wmi_send(b->provider, minors[use][on], &b->class->guid, &header, sizeof(header), &information);
    wmi_provider_leave(b->provider);
}

/* What has to be told next; false: all is settled. */
static bool next_to_tell(struct wmi_block *b, enum wmi_use *use, bool *on)
{
    for (*use = WMI_EVENTS; *use <= WMI_COLLECTION; ++*use)
        if (wants(b, *use) != b->on[*use]) {
            /* WMI-04, WMI-05, WMI-06, WMI-07: with the first consumer, and with the last; never twice. */
            b->on[*use] = !b->on[*use];
            *on = b->on[*use];
            return true;
        }
    return false;
}

/* Brings the provider up to what its class' users want. Who comes while another does it waits for that. */
static void settle(struct wmi_block *b)
{
    enum wmi_use use;
    bool on, more = true;
    rl_lock_acquire(&wmi_lock);
    bool another = b->settling, self = b->settler == ke_thread();
    b->settling = true;
    if (!another) {
        b->settler = ke_thread();
        KeClearEvent(&b->settled);
    }
    rl_lock_release(&wmi_lock);
    if (another && !self)
        KeWaitForSingleObject(&b->settled, Executive, KernelMode, FALSE, NULL);
    while (!another && more) {
        rl_lock_acquire(&wmi_lock);
        more = next_to_tell(b, &use, &on);
        if (!more) {
            b->settling = false;
            b->settler = NULL;
        }
        rl_lock_release(&wmi_lock);
        if (more)
            tell(b, use, on);
    }
    if (!another)
        KeSetEvent(&b->settled, 0, FALSE);
}

struct use_call {
    struct wmi_class *class;
    enum wmi_use use;
};

static NTSTATUS settle_class(void *context)
{
    struct use_call *call = context;
    struct wmi_blocks blocks;
    NTSTATUS status = wmi_blocks_of(call->class, &blocks);
    for (unsigned i = 0; NT_SUCCESS(status) && i < blocks.count; i++)
        settle(blocks.block[i]);
    if (NT_SUCCESS(status))
        wmi_blocks_release(&blocks);
    return status;
}

NTSTATUS wmi_use(struct wmi_class *class, enum wmi_use use, bool more)
{
    struct use_call call = {class, use};
    rl_lock_acquire(&wmi_lock);
    class->users[use] += more ? 1 : -1;
    bool edge = class->users[use] == (more ? 1 : 0);
    rl_lock_release(&wmi_lock);
    return edge ? wmi_at_passive(settle_class, &call) : STATUS_SUCCESS;
}
