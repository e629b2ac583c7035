/* SPDX-License-Identifier: MIT */
/*
 * The images that unwinding and fault handling know. Writers hold a lock;
 * readers take none, as they may be signal handlers: a slot's ranges are
 * complete before its image is published, and stay until it is withdrawn.
 */
#include "arch/arch.h"
#include "arch/x86_64/unwind.h"
#include "base/lock.h"

#define IMAGE_SLOTS 1024

struct slot {
    struct arch_image *image;
    ULONG64 base, size, thunk_base, thunk_size;
};

static struct slot slots[IMAGE_SLOTS];
static unsigned slots_used; /* one past the highest slot ever used */
static rl_lock slots_lock;

static struct slot *free_slot(void)
{
    for (unsigned i = 0; i < IMAGE_SLOTS; i++)
        if (!slots[i].image)
            return &slots[i];
    return NULL;
}

void arch_image_add(struct arch_image *image)
{
    rl_lock_acquire(&slots_lock);
    struct slot *slot = free_slot();
    RL_ASSERT(slot != NULL);
    slot->base = image->base;
    slot->size = image->size;
    slot->thunk_base = image->thunk_base;
    slot->thunk_size = image->thunk_size;
    __atomic_store_n(&slot->image, image, __ATOMIC_RELEASE);
    if (slot >= slots + slots_used)
        __atomic_store_n(&slots_used, (unsigned)(slot - slots) + 1, __ATOMIC_RELEASE);
    rl_lock_release(&slots_lock);
}

void arch_image_remove(struct arch_image *image)
{
    rl_lock_acquire(&slots_lock);
    for (unsigned i = 0; i < slots_used; i++)
        if (slots[i].image == image)
            __atomic_store_n(&slots[i].image, NULL, __ATOMIC_RELEASE);
    rl_lock_release(&slots_lock);
}

struct arch_image *arch_image_find(ULONG64 rip)
{
    unsigned used = __atomic_load_n(&slots_used, __ATOMIC_ACQUIRE);

    for (unsigned i = 0; i < used; i++) {
        struct arch_image *image = __atomic_load_n(&slots[i].image, __ATOMIC_ACQUIRE);
        if (image && (rip - slots[i].base < slots[i].size || rip - slots[i].thunk_base < slots[i].thunk_size))
            return image;
    }
    return NULL;
}

ULONG64 image_original_rip(const struct arch_image *image, ULONG64 rip)
{
    if (rip - image->base < image->size || !image->thunk_to_original)
        return rip;
    ULONG64 original = image->thunk_to_original(image, rip);
    return original ? original : rip;
}

ULONG64 image_resume_rip(ULONG64 rip)
{
    const struct arch_image *image = arch_image_find(rip);
    ULONG64 thunk = image && rip - image->base < image->size && image->original_to_thunk
                        ? image->original_to_thunk(image, rip)
                        : 0;

    return thunk ? thunk : rip;
}

const RUNTIME_FUNCTION *image_function(const struct arch_image *image, ULONG64 rip)
{
    ULONG64 rva = rip - image->base;
    ULONG low = 0, high = image->function_count;

    while (low < high) {
        ULONG middle = low + (high - low) / 2;
        const RUNTIME_FUNCTION *function = &image->functions[middle];
        if (rva < function->BeginAddress)
            high = middle;
        else if (rva >= function->EndAddress)
            low = middle + 1;
        else
            return function;
    }
    return NULL;
}
