/* SPDX-License-Identifier: MIT */
/* Secured user ranges: a list under one lock; the handle that a driver gets is the entry's address. */
#include "mm/secure.h"
#include "base/lock.h"

#define SECURE_TAG 0x65536D4Du /* 'MmSe' */

struct secured {
    struct secured *next;
    const char *base;
    size_t bytes;
    enum hmem_protection needed;
};

static rl_lock lock;
static struct secured *list;

bool mm_secured_against(const void *base, size_t bytes, enum hmem_protection protection)
{
    bool found = false;
    rl_lock_acquire(&lock);
    for (struct secured *s = list; s != NULL && !found; s = s->next)
        found = s->base < (const char *)base + bytes && (const char *)base < s->base + s->bytes &&
                (protection & s->needed) != s->needed;
    rl_lock_release(&lock);
    return found;
}

static bool all_accessible(const char *base, size_t bytes, enum hmem_protection needed)
{
    for (const char *p = (const char *)ALIGN_DOWN(base, PAGE_SIZE); p < base + bytes; p += PAGE_SIZE)
        if ((hmem_protection_of(p) & needed) != needed)
            return false;
    return true;
}

/* Until it is unsecured the range can be neither freed nor protected below ProbeMode (PAGE_READWRITE or
 * PAGE_READONLY). NULL: it is no such range now, or no memory. */
EXPORT(ntoskrnl, MmSecureVirtualMemory, PASSIVE_LEVEL, APC_LEVEL, X_PLAIN)
HANDLE NTAPI MmSecureVirtualMemory(PVOID Address, SIZE_T Size, ULONG ProbeMode)
{
    enum hmem_protection needed = ProbeMode == PAGE_READWRITE ? HMEM_RW : HMEM_R;
    if ((ProbeMode != PAGE_READWRITE && ProbeMode != PAGE_READONLY) || Size == 0 ||
        !mm_user_range_ok(Address, Size) || !all_accessible(Address, Size, needed))
        return NULL;
    struct secured *entry = mm_alloc(sizeof *entry, SECURE_TAG);
    if (entry == NULL)
        return NULL;
    rl_lock_acquire(&lock);
    *entry = (struct secured){list, Address, Size, needed};
    list = entry;
    rl_lock_release(&lock);
    return entry;
}

EXPORT(ntoskrnl, MmUnsecureVirtualMemory, PASSIVE_LEVEL, APC_LEVEL, X_PLAIN)
VOID NTAPI MmUnsecureVirtualMemory(HANDLE SecureHandle)
{
    rl_lock_acquire(&lock);
    struct secured **link = &list;
    while (*link != NULL && *link != SecureHandle)
        link = &(*link)->next;
    struct secured *entry = *link;
    if (entry != NULL)
        *link = entry->next;
    rl_lock_release(&lock);
    mm_free(entry);
}

void mm_secure_fini(void)
{
    list = NULL; /* the entries go with the pool */
}
