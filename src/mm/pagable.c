/* SPDX-License-Identifier: MIT */
/*
 * Pageable parts of a driver. Nothing is paged out on this machine, so pages
 * of an image are always resident; what drivers can see of these routines are
 * handles, whose locks are counted, and the image's base address.
 */
#include "mm/mm.h"
#include "base/lock.h"

#define SECTIONS_MAX 64

static struct locked_section {
    ULONG64 base; /* of the image; 0: free */
    ULONG count;
} sections[SECTIONS_MAX];
static rl_lock lock;

static struct arch_image *image_of(const void *address)
{
    return arch_image_find((ULONG64)address);
}

/* The image's entry, or one that is free or whose image has gone; NULL: the table is full. */
static struct locked_section *entry_of(ULONG64 base)
{
    struct locked_section *empty = NULL;
    for (int i = 0; i < SECTIONS_MAX; i++) {
        if (sections[i].base == base)
            return &sections[i];
        if (empty == NULL && (sections[i].base == 0 || image_of((const void *)sections[i].base) == NULL))
            empty = &sections[i];
    }
    if (empty != NULL)
        *empty = (struct locked_section){.base = base};
    return empty;
}

/* Locks the section of the image in which the address lies and returns a handle for it. Bug check 0x1A when
 * the address is in no image. */
EXPORT(ntoskrnl, MmLockPagableDataSection, PASSIVE_LEVEL, APC_LEVEL, X_PLAIN)
PVOID NTAPI MmLockPagableDataSection(PVOID AddressWithinSection)
{
    const struct arch_image *image = image_of(AddressWithinSection);
    if (image == NULL)
        ke_bugcheck_code(MEMORY_MANAGEMENT, 0x1234, (uintptr_t)AddressWithinSection, 0, 0);
    rl_lock_acquire(&lock);
    struct locked_section *section = entry_of(image->base);
    RL_ASSERT(section != NULL);
    section->count++;
    rl_lock_release(&lock);
    return section;
}

static bool is_locked(const struct locked_section *section)
{
    return section >= sections && section < sections + SECTIONS_MAX && section->count != 0;
}

EXPORT(ntoskrnl, MmLockPagableSectionByHandle, PASSIVE_LEVEL, APC_LEVEL, X_PLAIN)
VOID NTAPI MmLockPagableSectionByHandle(PVOID ImageSectionHandle)
{
    struct locked_section *section = ImageSectionHandle;
    rl_lock_acquire(&lock);
    if (section >= sections && section < sections + SECTIONS_MAX && section->base != 0)
        section->count++;
    rl_lock_release(&lock);
}

/* Bug check 0x1A for a handle that is not locked. */
EXPORT(ntoskrnl, MmUnlockPagableImageSection, PASSIVE_LEVEL, APC_LEVEL, X_PLAIN)
VOID NTAPI MmUnlockPagableImageSection(PVOID ImageSectionHandle)
{
    struct locked_section *section = ImageSectionHandle;
    if (!is_locked(section))
        ke_bugcheck_code(MEMORY_MANAGEMENT, 0x1010, (uintptr_t)ImageSectionHandle, 0, 0);
    rl_lock_acquire(&lock);
    section->count--;
    rl_lock_release(&lock);
}

/* Makes all of a driver pageable. Returns the base of the image that the address lies in, NULL if in none. */
EXPORT(ntoskrnl, MmPageEntireDriver, PASSIVE_LEVEL, APC_LEVEL, X_PLAIN)
PVOID NTAPI MmPageEntireDriver(PVOID AddressWithinSection)
{
    const struct arch_image *image = image_of(AddressWithinSection);
    return image ? (PVOID)image->base : NULL;
}

/* Undoes MmPageEntireDriver: the pageability that the image's sections say. Locks that drivers hold stay
 * counted. */
EXPORT(ntoskrnl, MmResetDriverPaging, PASSIVE_LEVEL, APC_LEVEL, X_PLAIN)
VOID NTAPI MmResetDriverPaging(PVOID AddressWithinSection)
{
    if (image_of(AddressWithinSection) == NULL)
        ke_bugcheck_code(MEMORY_MANAGEMENT, 0x1234, (uintptr_t)AddressWithinSection, 0, 0);
}
