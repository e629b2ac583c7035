/* SPDX-License-Identifier: MIT */
/*
 * The runtime's export table: what EXPORT declared, found by module and name
 * through a hash that is built at the first look-up. Module names are taken
 * without extension and case; the kernel's and the HAL's functions form one
 * name space, as hal.dll forwards to the kernel since Windows 10 2004.
 */
#include "ldr/ldr.h"
#include "base/lock.h"

#define BUCKETS 16384u

static USHORT buckets[BUCKETS]; /* 1 + index into the table; 0: empty. Complete once `built` is set */
static bool built;
static rl_lock build_lock;

static uint32_t hash_name(const char *name)
{
    uint32_t hash = 2166136261u;

    while (*name != '\0')
        hash = (hash ^ (UCHAR)*name++) * 16777619u;
    return hash;
}

static bool same_text(const char *a, const char *b)
{
    while (*a != '\0' && *a == *b)
        a++, b++;
    return *a == *b;
}

static void build_table(void)
{
    size_t count = (size_t)(__stop_rl_exports - __start_rl_exports);

    RL_ASSERT(count < BUCKETS / 2);
    for (size_t i = 0; i < count; i++) {
        uint32_t at = hash_name(__start_rl_exports[i].name) % BUCKETS;
        while (buckets[at] != 0)
            at = (at + 1) % BUCKETS;
        buckets[at] = (USHORT)(i + 1);
    }
}

static void build_once(void)
{
    if (__atomic_load_n(&built, __ATOMIC_ACQUIRE))
        return;
    rl_lock_acquire(&build_lock);
    if (!built) {
        build_table();
        __atomic_store_n(&built, true, __ATOMIC_RELEASE);
    }
    rl_lock_release(&build_lock);
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

/* Compares "NTOSKRNL.exe" with "ntoskrnl": case and extension do not count. */
static bool same_module(const char *given, const char *plain)
{
    while (*plain != '\0' && lower(*given) == lower(*plain))
        given++, plain++;
    return *plain == '\0' && (*given == '\0' || *given == '.');
}

enum module_kind { MODULE_ANY, MODULE_KERNEL, MODULE_OTHER };

static enum module_kind kind_of_module(const char *module)
{
    static const char *const kernel[] = {"ntoskrnl", "ntkrnlmp", "ntkrnlpa", "ntkrpamp",
                                         "hal",      "halmacpi", "halacpi"};

    if (module == NULL)
        return MODULE_ANY;
    for (unsigned i = 0; i < countof(kernel); i++) {
        if (same_module(module, kernel[i]))
            return MODULE_KERNEL;
    }
    return MODULE_OTHER;
}

static bool module_matches(const struct export_entry *entry, enum module_kind kind, const char *module)
{
    if (kind == MODULE_ANY)
        return true;
    if (kind == MODULE_KERNEL)
        return same_text(entry->module, "ntoskrnl") || same_text(entry->module, "hal");
    return same_module(module, entry->module);
}

bool ldr_is_own_module(const char *module)
{
    if (kind_of_module(module) == MODULE_KERNEL)
        return true;
    for (const struct export_entry *entry = __start_rl_exports; entry < __stop_rl_exports; entry++) {
        if (same_module(module, entry->module))
            return true;
    }
    return false;
}

const struct export_entry *ldr_find_export(const char *module, const char *name)
{
    enum module_kind kind = kind_of_module(module);

    build_once();
    for (uint32_t at = hash_name(name) % BUCKETS; buckets[at] != 0; at = (at + 1) % BUCKETS) {
        const struct export_entry *entry = &__start_rl_exports[buckets[at] - 1];
        if (same_text(entry->name, name) && module_matches(entry, kind, module))
            return entry;
    }
    return NULL;
}

/*
 * Data is bound to the variable itself; a function that may call driver code, raise or switch threads to a
 * gate that leaves an entry record; with `checked` every function to a gate that reports to arch_ops. NULL:
 * no memory.
 */
const void *ldr_bind_export(const struct export_entry *entry, bool checked)
{
    if (entry->flags & (X_DATA | X_CONTEXT))
        return entry->address;
    if (checked)
        return arch_gate(entry, ARCH_GATE_CHECKED);
    if (entry->flags & (X_CALLS_DRIVER | X_RAISES | X_BLOCKS))
        return arch_gate(entry, ARCH_GATE_RECORD);
    return entry->address;
}
