/* SPDX-License-Identifier: MIT */
/*
 * A driver goes: what does it still hold? Asked in a system thread when Unload
 * has returned, or DriverEntry has failed, and the image is still there. Each
 * kind of thing is one violation, with the first of them by name. What could
 * still call the driver is stopped; if that is not possible, the image stays.
 */
#include "vf/leaks_internal.h"
#include "base/lock.h"
#include "host/host.h"

#define DETAILS 4096

bool vf_leak_is_image_s(const struct leak *leak, const void *address)
{
    return (uintptr_t)address - (uintptr_t)leak->base < leak->bytes ||
           (uintptr_t)address - leak->thunks < leak->thunk_bytes;
}

void vf_leak_add(struct leak *leak, struct item item)
{
    if (leak->count < SHOWN)
        leak->items[leak->count] = item;
    leak->count++;
}

static rl_lock details_lock;
static char details[DETAILS];

static void add_item(struct vf_text *text, const struct leak *leak, const struct item *item)
{
    char words[VF_DESCRIPTION];
    vf_text_add(text, "    ");
    if (leak->pool)
        vf_add_block(text, item->object, item->size, item->tag, item->paged);
    else
        vf_add_address(text, (ULONG64)item->object);
    if (!leak->pool && item->size != 0)
        vf_text_add(text, ", %llu bytes", (unsigned long long)item->size);
    vf_describe((ULONG64)item->owner, words, sizeof(words));
    vf_text_add(text, "\n      %s\n", words);
}

static void record(const struct leak *leak, const char *when)
{
    struct vf_text text;
    char sentence[256], bytes[48] = "";
    struct ke_bugcheck_info info = {.code = leak->code,
                                    .p = {leak->p[0], leak->p[1], leak->p[2], leak->p[3]},
                                    .sentence = sentence,
                                    .details = details,
                                    .verifier = true,
                                    .raise_address = (ULONG64)leak->items[0].owner};
    if (leak->pool)
        host_snprintf(bytes, sizeof(bytes), " (%llu byte%s)", (unsigned long long)leak->pool_bytes,
                      leak->pool_bytes == 1 ? "" : "s");
    host_snprintf(sentence, sizeof(sentence), "%s and the driver left %u %s%s%s behind: %s is missing", when,
                  leak->count, leak->kind, leak->count == 1 ? "" : "s", bytes, leak->cure);
    rl_lock_acquire(&details_lock);
    vf_text_init(&text, details, sizeof(details));
    vf_text_add(&text, "  left behind:\n");
    for (unsigned i = 0; i < MIN(leak->count, SHOWN); i++)
        add_item(&text, leak, &leak->items[i]);
    if (leak->count > SHOWN)
        vf_text_add(&text, "    and %u more\n", leak->count - SHOWN);
    vf_record(&info);
    rl_lock_release(&details_lock);
}

struct leak vf_leak_of(const struct going *going, const char *kind, const char *cure)
{
    const struct arch_image *image = arch_image_find((ULONG64)going->driver->DriverStart);

    return (struct leak){.base = going->driver->DriverStart,
                         .bytes = going->driver->DriverSize,
                         .thunks = image != NULL ? image->thunk_base : 0,
                         .thunk_bytes = image != NULL ? image->thunk_size : 0,
                         .kind = kind,
                         .cure = cure,
                         .code = DRIVER_UNLOADED_WITHOUT_CANCELLING_PENDING_OPERATIONS};
}

bool vf_leak_report(const struct going *going, struct leak *leak)
{
    if (leak->count == 0)
        return false;
    if (leak->code == DRIVER_UNLOADED_WITHOUT_CANCELLING_PENDING_OPERATIONS) {
        leak->p[0] = (ULONG64)leak->items[0].object;
        leak->p[2] = (ULONG64)leak->items[0].owner;
    }
    record(leak, going->when);
    return true;
}

bool vf_driver_gone(PDRIVER_OBJECT driver, bool unloaded)
{
    struct going going = {.driver = driver, .when = unloaded ? "Unload returned" : "DriverEntry failed"};
    vf_look_at_timers(&going);
    vf_look_at_threads(&going);
    vf_look_at_requests(&going);
    vf_look_at_pool(&going);
    vf_look_at_ranges(&going);
    vf_look_at_interrupts(&going);
    vf_look_at_controllers(&going);
    vf_look_at_dma(&going);
    vf_look_at_held(&going);
    return going.stays;
}
