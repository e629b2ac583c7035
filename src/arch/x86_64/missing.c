/* SPDX-License-Identifier: MIT */
/*
 * Imports that nobody provides: each gets some bytes of a region without
 * access, so that a call, or a read of data a little way behind, tells which it
 * was. Lookups take no lock: an entry is complete before the count covers it.
 */
#include "arch/arch.h"
#include "arch/x86_64/code.h"
#include "base/lock.h"
#include "host/memory.h"

#include <string.h>

#define MISSING_MAX   8192
#define MISSING_BYTES 256
#define MISSING_PAGES (MISSING_MAX * MISSING_BYTES / PAGE_SIZE)
#define NAMES_PAGES   128

static struct {
    const char *module, *name;
} missing[MISSING_MAX];
static unsigned missing_count;
static char *region, *names;
static size_t names_used;
static rl_lock missing_lock;

static bool reserve_region(void)
{
    if (region)
        return true;
    names = hmem_reserve(HMEM_SYSTEM, NAMES_PAGES, 1, 0);
    if (!names || !NT_SUCCESS(hmem_commit(names, NAMES_PAGES, HMEM_RW)))
        return false;
    region = hmem_reserve(HMEM_IMAGE, MISSING_PAGES, 1, 1);
    return region != NULL;
}

static const char *keep(const char *text)
{
    size_t bytes = strlen(text) + 1;

    if (names_used + bytes > NAMES_PAGES * PAGE_SIZE)
        return NULL;
    names_used += bytes;
    return memcpy(names + names_used - bytes, text, bytes);
}

static unsigned index_of(const char *module, const char *name)
{
    unsigned i = 0;

    while (i < missing_count && (strcmp(missing[i].name, name) || strcmp(missing[i].module, module)))
        i++;
    return i;
}

static bool add(const char *module, const char *name)
{
    if (missing_count == MISSING_MAX)
        return false;
    missing[missing_count].module = keep(module);
    missing[missing_count].name = keep(name);
    if (!missing[missing_count].module || !missing[missing_count].name)
        return false;
    __atomic_store_n(&missing_count, missing_count + 1, __ATOMIC_RELEASE);
    return true;
}

const void *arch_missing_import(const char *module, const char *name)
{
    const void *address = NULL;

    rl_lock_acquire(&missing_lock);
    if (reserve_region()) {
        unsigned i = index_of(module, name);
        if (i < missing_count || add(module, name))
            address = region + (size_t)i * MISSING_BYTES;
    }
    rl_lock_release(&missing_lock);
    return address;
}

bool arch_missing_import_name(const void *address, const char **module, const char **name)
{
    size_t i = ((uintptr_t)address - (uintptr_t)region) / MISSING_BYTES;

    if (!region || i >= __atomic_load_n(&missing_count, __ATOMIC_ACQUIRE))
        return false;
    *module = missing[i].module;
    *name = missing[i].name;
    return true;
}

void missing_imports_fini(void)
{
    if (names)
        hmem_release(names, NAMES_PAGES);
    if (region)
        hmem_release(region, MISSING_PAGES);
    names = region = NULL;
    names_used = missing_count = 0;
}
