/* SPDX-License-Identifier: MIT */
/*
 * The arbiter: which places of the ports, memory, interrupts, DMA channels and
 * bus numbers are taken, and by whom. Besides the claims of devices, a request
 * that leaves a choice keeps away from what the machine itself uses: RAM, the
 * interrupt controller's window, and whatever a device model decodes. One that
 * names a single place is believed: that is how a device that no bus can
 * enumerate is described.
 */
#include "pnp/resource.h"
#include "hal/hal.h"
#include "host/memory.h"

/* Where firmware puts what PCI functions decode: the first choice of a request that leaves one. */
#define PCI_PORTS_FIRST  0xC000u
#define PCI_PORTS_LAST   0xFFFFu
#define PCI_MEMORY_FIRST 0xC0000000u
#define PCI_MEMORY_LAST  0xFEAFFFFFu
#define CONTROLLER_FIRST 0xFEC00000u /* interrupt controllers, and where messages are written to */
#define CONTROLLER_LAST  0xFEEFFFFFu
#define CASCADE_CHANNEL  4

static LIST_ENTRY claims = {&claims, &claims};
const void *(*resource_boot_owner)(enum resource_space space, uint64_t first, uint64_t last,
                                   const void *owner);

void resource_arbiter_reset(void)
{
    list_init(&claims);
}

void resource_hold(struct resource_claim *claim)
{
    list_insert_tail(&claims, &claim->link);
}

void resource_let_go(struct resource_claim *claim)
{
    list_remove(&claim->link);
}

static bool overlap(uint64_t first, uint64_t last, uint64_t other_first, uint64_t other_last)
{
    return first <= other_last && other_first <= last;
}

/* Interrupts on one line agree on what an interrupt is. */
static bool may_share(const struct resource_claim *claim, const struct resource_request *request)
{
    return claim->shared && request->shared &&
           (request->space != RESOURCE_LINES || claim->latched == request->latched);
}

static const struct resource_claim *obstacle(const struct resource_request *request, uint64_t first,
                                             uint64_t last)
{
    list_for_each(it, &claims)
    {
        const struct resource_claim *claim = container_of(it, struct resource_claim, link);
        if (claim->space == request->space && overlap(first, last, claim->first, claim->last) &&
            !may_share(claim, request))
            return claim;
    }
    return NULL;
}

/* ---- what the machine uses ---- */

static bool is_system_line(uint64_t line)
{
    enum { CLOCK = 0, CASCADE = 2, RTC = 8, COPROCESSOR = 13 };
    return line == CLOCK || line == CASCADE || line == RTC || line == COPROCESSOR;
}

static bool has_line_vector(uint64_t first, uint64_t last)
{
    for (uint64_t vector = first; vector <= last; vector++)
        if (hal_line_of_vector((ULONG)vector) != HAL_NO_LINE)
            return true;
    return false;
}

/* Never handed out. */
static bool is_impossible(enum resource_space space, uint64_t first, uint64_t last)
{
    switch (space) {
    case RESOURCE_MEMORY:
        return first < hmem_ram_bytes() || overlap(first, last, CONTROLLER_FIRST, CONTROLLER_LAST);
    case RESOURCE_VECTORS:
        return has_line_vector(first, last);
    case RESOURCE_CHANNELS:
        return first == CASCADE_CHANNEL;
    default:
        return false;
    }
}

/* Handed out only to who names it. */
static bool is_used(enum resource_space space, uint64_t first, uint64_t last)
{
    switch (space) {
    case RESOURCE_PORTS:
        return first == 0 || hal_ports_are_decoded((USHORT)first, (USHORT)last);
    case RESOURCE_MEMORY:
        return hal_memory_is_decoded(first, last);
    case RESOURCE_LINES:
        return is_system_line(first);
    default:
        return false;
    }
}

static bool is_fixed(const struct resource_request *request)
{
    return request->maximum - request->minimum + 1 == request->length;
}

static bool is_free(const struct resource_request *request, uint64_t at, const struct resource_search *search,
                    bool named)
{
    uint64_t last = at + request->length - 1;
    if (is_impossible(request->space, at, last) || (!named && is_used(request->space, at, last)))
        return false;
    if (search->respect_boot && resource_boot_owner &&
        resource_boot_owner(request->space, at, last, search->owner))
        return false;
    return !obstacle(request, at, last);
}

/* ---- searching ---- */

enum { AT_BOOT, PREFERRED, ANYWHERE, NOWHERE };

static bool is_inside(const struct resource_request *request, uint64_t at)
{
    return at >= request->minimum && at % request->alignment == 0 && at + request->length - 1 >= at &&
           at + request->length - 1 <= request->maximum;
}

struct boot_search {
    const struct resource_request *request;
    uint64_t index, at; /* of the descriptors; the place of the last that fits */
    uint64_t wanted;
    bool found;
};

static void visit_boot(const CM_PARTIAL_RESOURCE_DESCRIPTOR *descriptor, void *context)
{
    struct boot_search *search = context;
    struct resource_claim claim;
    if (search->index++ < search->wanted || search->found || !resource_claim_of(descriptor, &claim))
        return;
    search->found = claim.space == search->request->space && search->request->space != RESOURCE_VECTORS &&
                    claim.last - claim.first + 1 == search->request->length &&
                    is_inside(search->request, claim.first);
    search->at = claim.first;
    if (search->found)
        search->wanted = search->index;
}

/* The next place of the device's own boot configuration; next counts its descriptors. */
static bool next_at_boot(const struct resource_request *request, const struct resource_search *search,
                         uint64_t *next, uint64_t *at)
{
    struct boot_search boot = {.request = request, .wanted = *next};
    do {
        boot.index = 0;
        boot.found = false;
        if (search->own)
            resource_for_each(search->own, visit_boot, &boot);
    } while (boot.found && !is_free(request, boot.at, search, true));
    *next = boot.wanted;
    *at = boot.at;
    return boot.found;
}

/* Behind what stands in the way, if a claim does: many places are passed at once. */
static uint64_t step_from(const struct resource_request *request, uint64_t at)
{
    const struct resource_claim *claim = obstacle(request, at, at + request->length - 1);
    uint64_t step = MAX(request->alignment, request->space == RESOURCE_MEMORY ? PAGE_SIZE : 1);
    if (request->space == RESOURCE_MEMORY && at < hmem_ram_bytes())
        return hmem_ram_bytes();
    return claim && claim->last > at ? claim->last + 1 : at + step;
}

static bool align(const struct resource_request *request, uint64_t *at)
{
    uint64_t rest = *at % request->alignment;
    if (rest != 0 && *at + (request->alignment - rest) < *at)
        return false;
    if (rest != 0)
        *at += request->alignment - rest;
    return true;
}

static bool next_between(const struct resource_request *request, const struct resource_search *search,
                         uint64_t low, uint64_t high, uint64_t *next, uint64_t *at)
{
    uint64_t place = MAX(MAX(*next, low), request->minimum), before;
    high = MIN(high, request->maximum);
    while (align(request, &place) && place + request->length - 1 >= place &&
           place + request->length - 1 <= high) {
        before = place;
        place = step_from(request, before);
        if (is_free(request, before, search, is_fixed(request))) {
            *next = before + request->alignment > before ? before + request->alignment : ~0ull;
            *at = before;
            return true;
        }
        if (place <= before)
            return false;
    }
    return false;
}

static void preferred_window(const struct resource_request *request, uint64_t *low, uint64_t *high)
{
    *low = request->preferred_minimum;
    *high = request->preferred_maximum;
    if (request->space == RESOURCE_PORTS) {
        *low = PCI_PORTS_FIRST;
        *high = PCI_PORTS_LAST;
    } else if (request->space == RESOURCE_MEMORY) {
        *low = PCI_MEMORY_FIRST;
        *high = PCI_MEMORY_LAST;
    }
}

bool resource_next_place(const struct resource_request *request, const struct resource_search *search,
                         struct resource_cursor *cursor, uint64_t *at)
{
    uint64_t low, high;
    preferred_window(request, &low, &high);
    for (; cursor->phase != NOWHERE; cursor->phase++, cursor->next = 0) {
        if (cursor->phase == AT_BOOT && next_at_boot(request, search, &cursor->next, at))
            return true;
        if (cursor->phase == PREFERRED && high != 0 && !is_fixed(request) &&
            next_between(request, search, low, high, &cursor->next, at))
            return true;
        if (cursor->phase == ANYWHERE && next_between(request, search, 0, ~0ull, &cursor->next, at))
            return true;
    }
    return false;
}

const void *resource_rival(const struct resource_request *request, unsigned index)
{
    list_for_each(it, &claims)
    {
        const struct resource_claim *claim = container_of(it, struct resource_claim, link);
        if (claim->space == request->space &&
            overlap(request->minimum, request->maximum, claim->first, claim->last) && index-- == 0)
            return claim->owner;
    }
    return NULL;
}
