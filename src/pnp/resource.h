/* SPDX-License-Identifier: MIT */
/*
 * Hardware resources: what a device asks for (a request), who holds what (the
 * arbiter's claims), and how a list of requirements becomes a list of resources
 * (the solver). Everything here is one thread's at a time: the PnP thread, or
 * whoever holds resource_lock; nothing of it calls a driver.
 *
 * Rules: PS-04, PH-27.
 */
#ifndef PNP_RESOURCE_H
#define PNP_RESOURCE_H

#include "pnp/pnp.h"

#define RESOURCE_TAG 0x73526E50 /* "PnRs" */

/* Spaces that are arbitrated, each apart from the others. */
enum resource_space {
    RESOURCE_PORTS,
    RESOURCE_MEMORY,
    RESOURCE_LINES,   /* interrupt lines, 0..HAL_LINES - 1 */
    RESOURCE_VECTORS, /* of messages */
    RESOURCE_CHANNELS,
    RESOURCE_BUSES,
    RESOURCE_SPACES,
    RESOURCE_NONE = RESOURCE_SPACES /* not arbitrated: handed over as it is */
};

/* What a descriptor of a requirements list asks for: `length` units in minimum..maximum. */
struct resource_request {
    enum resource_space space;
    uint64_t length, alignment, minimum, maximum;
    bool shared, latched;
    uint64_t preferred_minimum, preferred_maximum; /* where to look first; both 0: anywhere */
};

struct resource_claim {
    LIST_ENTRY link;
    const void *owner;
    enum resource_space space;
    uint64_t first, last;
    bool shared, latched;
};

/* ---- resource_request.c: descriptors ---- */
/* false: no such type or nonsense. */
bool resource_request_of(const IO_RESOURCE_DESCRIPTOR *descriptor, struct resource_request *request);
/* The descriptor of an assigned resource, as raw lists have it. */
void resource_assigned(const IO_RESOURCE_DESCRIPTOR *descriptor, uint64_t first,
                       CM_PARTIAL_RESOURCE_DESCRIPTOR *out);
/* The place of an assigned resource; false: of a type that is not arbitrated. */
bool resource_claim_of(const CM_PARTIAL_RESOURCE_DESCRIPTOR *descriptor, struct resource_claim *claim);
/* A requirement that only this resource fulfils. */
void resource_fixed(const CM_PARTIAL_RESOURCE_DESCRIPTOR *descriptor, IO_RESOURCE_DESCRIPTOR *out);

/* ---- resource_list.c: lists ---- */
/* Whether bytes hold the whole list that they begin. */
bool resource_requirements_are_sound(const IO_RESOURCE_REQUIREMENTS_LIST *list, size_t bytes);
bool resource_list_is_sound(const CM_RESOURCE_LIST *list, size_t bytes);
size_t resource_list_bytes(const CM_RESOURCE_LIST *list);
/* Behind a list's descriptors: the next one, as drivers step too. */
const IO_RESOURCE_LIST *resource_next_alternative(const IO_RESOURCE_LIST *list);
const CM_FULL_RESOURCE_DESCRIPTOR *resource_next_full(const CM_FULL_RESOURCE_DESCRIPTOR *full);
/* Calls visit for each descriptor of each bus of the list. */
void resource_for_each(const CM_RESOURCE_LIST *list,
                       void (*visit)(const CM_PARTIAL_RESOURCE_DESCRIPTOR *descriptor, void *context),
                       void *context);
/* The only requirements that these resources fulfil; pool, NULL: no memory. Owns: the caller. */
PIO_RESOURCE_REQUIREMENTS_LIST resource_requirements_from(const CM_RESOURCE_LIST *list);
/* Lists are in paged pool, because drivers take and free them: zeroed; NULL: no memory. */
void *resource_allocate(size_t bytes);
void resource_free(void *list); /* NULL: nothing */
void *resource_copy(const void *list, size_t bytes);

/* ---- resource_arbiter.c ---- */
void resource_arbiter_reset(void);                /* nobody holds anything */
void resource_hold(struct resource_claim *claim); /* borrows it until resource_let_go */
void resource_let_go(struct resource_claim *claim);
/* What a search takes care of. */
struct resource_search {
    const void *owner;           /* whose boot configuration does not stand in the way */
    bool respect_boot;           /* leave alone what others' boot configurations name */
    const CM_RESOURCE_LIST *own; /* where the owner's resources were at boot: tried first; or NULL */
};
/* Whose boot configuration a place lies in, other than the owner's. NULL: there are none. */
extern const void *(*resource_boot_owner)(enum resource_space space, uint64_t first, uint64_t last,
                                          const void *owner);
/* The first place for a request that is at or behind (phase, *at) in the order of preference: own boot
 * places, the preferred window, everything. false: no further one. */
struct resource_cursor {
    unsigned phase;
    uint64_t next;
};
bool resource_next_place(const struct resource_request *request, const struct resource_search *search,
                         struct resource_cursor *cursor, uint64_t *at);
/* Who holds what the request could have instead: the owner of the index-th claim in its range; NULL: no
 * further one. */
const void *resource_rival(const struct resource_request *request, unsigned index);

/* ---- resource_solve.c ---- */
struct resource_solution {
    CM_RESOURCE_LIST *list; /* pool */
    struct resource_claim *claims;
    unsigned claim_count;
};
/* The alternative lists in their order of preference, until one can be had. `boot`: places that the device
 * had, preferred; NULL: none. STATUS_CONFLICTING_ADDRESSES: none fits, STATUS_INVALID_PARAMETER: nonsense.
 * The claims are held on success. Owns: the caller. */
NTSTATUS resource_solve(const IO_RESOURCE_REQUIREMENTS_LIST *requirements, const CM_RESOURCE_LIST *boot,
                        const void *owner, struct resource_solution *solution);
void resource_discard(struct resource_solution *solution);

/* ---- resource_rebalance.c ---- */
/* Makes room for what the node wants: devices that could do with other resources are asked to stop, and get
 * others. STATUS_SUCCESS: what is wanted is free now, and resource_settle is to be called when it is held. */
struct resource_victims {
    struct pnp_node *nodes[8]; /* referenced */
    unsigned count;
};
NTSTATUS resource_make_room(struct pnp_node *node, const IO_RESOURCE_REQUIREMENTS_LIST *wanted,
                            struct resource_victims *victims);
void resource_settle(struct resource_victims *victims); /* those that were stopped start again */
/* The arbiter's lock; not recursive. IRQL: <= APC_LEVEL. */
void resource_lock_acquire(void);
void resource_lock_release(void);
void resource_suspend(struct pnp_node *node, bool suspended); /* its claims do not count; locked */

/* ---- resource_translate.c ---- */
/* What processors use of raw resources; the same shape. NULL: no memory or *status. Owns: the caller. */
CM_RESOURCE_LIST *resource_translate(const CM_RESOURCE_LIST *raw, NTSTATUS *status);

/* ---- interrupt.c, dma.c: members of io_device_ops ---- */
bool resource_assigned_interrupt(PDEVICE_OBJECT pdo, ULONG index, struct io_assigned_interrupt *interrupt);
bool resource_bus_dma_adapter(PDEVICE_OBJECT pdo, PDEVICE_DESCRIPTION description, PULONG registers,
                              PDMA_ADAPTER *adapter);

/* ---- resource_config.c: what the registry says of a device (LogConf), pool or NULL ---- */
PCM_RESOURCE_LIST resource_configured_list(const struct pnp_node *node, const WCHAR *value);
PIO_RESOURCE_REQUIREMENTS_LIST resource_configured_vector(const struct pnp_node *node, const WCHAR *value);

#endif
