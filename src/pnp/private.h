/* SPDX-License-Identifier: MIT */
/* What the PnP manager's own files share. All functions run on the PnP thread unless they say otherwise. */
#ifndef PNP_PRIVATE_H
#define PNP_PRIVATE_H

#include "host/host.h"
#include "io/routines.h"
#include "io/services.h"
#include "ke/routines.h"
#include "mm/routines.h"
#include "ob/ob.h"
#include "pnp/pnp.h"
#include "rtl/exports.h"

#define PNP_TAG       0x4E706E50u /* 'PnpN' */
#define PNP_ID_CHARS  200         /* MAX_DEVICE_ID_LEN, PH-22 */
#define PNP_ID_REGION 28          /* of those, what the parent's prefix takes */

/* ---- thread.c ---- */
/* Queues it; nobody waits. Any IRQL up to DISPATCH_LEVEL. false: no memory, or the machine ends. */
bool pnp_post(void (*fn)(void *), void *context);
void pnp_thread_reset(void);

/* ---- node.c ---- */
/* A node under the parent, with the tree's reference; takes over the caller's reference of the PDO. */
struct pnp_node *pnp_node_create(PDEVICE_OBJECT pdo, struct pnp_node *parent);
void pnp_node_unlink(struct pnp_node *node); /* out of the tree: PNP_DELETED */
void pnp_node_reset(void);
void pnp_set_problem(struct pnp_node *node, ULONG problem, NTSTATUS status);
/* The next child behind `child` (NULL: the first), referenced; the reference of `child` is given up. */
struct pnp_node *pnp_next_child(struct pnp_node *parent, struct pnp_node *child);
NTSTATUS pnp_ask(struct pnp_node *node);             /* every observer's query_remove, until one refuses */
void pnp_tell(struct pnp_node *node, size_t member); /* every observer's routine at that offset */
_Noreturn void pnp_fatal(ULONG p1, const void *p2, ULONG64 p3, ULONG64 p4, const char *sentence); /* 0xCA */

/* ---- ids.c ---- */
WCHAR *pnp_copy_text(const WCHAR *text);            /* NULL: no memory */
size_t pnp_multi_chars(const WCHAR *list);          /* with both terminators; 0 for NULL */
bool pnp_same_text(const WCHAR *a, const WCHAR *b); /* without case */
bool pnp_multi_has(const WCHAR *list, const WCHAR *text);
/* Checks what a bus driver returned for an identifier and copies it; frees the driver's. Bug check 0xCA/3
 * (PH-22). NULL: it gave none. */
WCHAR *pnp_take_id(PDEVICE_OBJECT pdo, BUS_QUERY_ID_TYPE type, ULONG_PTR information);
NTSTATUS pnp_make_instance_path(struct pnp_node *node);
void pnp_check_duplicate(struct pnp_node *node); /* bug check 0xCA/1: its bus lists two of the same name */

/* ---- identify.c ---- */
NTSTATUS pnp_identify(struct pnp_node *node);
NTSTATUS pnp_query_capabilities(struct pnp_node *node, DEVICE_CAPABILITIES *capabilities);
void pnp_query_requirements(struct pnp_node *node); /* QUERY_RESOURCE_REQUIREMENTS anew */

/* ---- registry.c ---- */
void pnp_registry_write(struct pnp_node *node);      /* what was identified */
bool pnp_enum_disabled(const struct pnp_node *node); /* ConfigFlags */
/* A REG_SZ or REG_MULTI_SZ value of any key, doubly terminated, mm_alloc'd; NULL: none. */
WCHAR *pnp_read_list(const WCHAR *key, const WCHAR *name);
WCHAR *pnp_enum_list(const struct pnp_node *node, const WCHAR *name);
bool pnp_join(WCHAR *to, size_t room, const WCHAR *const *parts, size_t count); /* false: does not fit */

/* ---- bind.c ---- */
NTSTATUS pnp_find_service(struct pnp_node *node); /* node->service; sets the problem */
/* The services of its stack, from below, until one visit fails. */
typedef NTSTATUS (*pnp_service_visitor)(struct pnp_node *node, const WCHAR *service, void *context);
NTSTATUS pnp_for_each_service(struct pnp_node *node, pnp_service_visitor visit, void *context);
bool pnp_waits_for_boot(
    struct pnp_node *node); /* one of its drivers is not boot-start, and the machine boots */
void pnp_boot_reset(void);
NTSTATUS pnp_build_stack(struct pnp_node *node); /* PS-03 */

/* ---- location.c ---- */
/* IRP_MN_QUERY_INTERFACE to a stack. On success the interface is referenced (pnp_release_interface). */
NTSTATUS pnp_query_interface(PDEVICE_OBJECT device, const GUID *type, INTERFACE *interface, USHORT size,
                             USHORT version, PVOID specific);
void pnp_release_interface(const INTERFACE *interface);

/* ---- detection.c ---- */
void pnp_detection_reset(void);

/* ---- security.c ---- */
void pnp_prepare_stack(struct pnp_node *node); /* what the registry says of its objects; START is to come */

/* ---- start.c ---- */
/* Everything from what the node's state is to started, its children's too. */
NTSTATUS pnp_bring_up(struct pnp_node *node);
bool pnp_waits_for_driver(const struct pnp_node *node);          /* as its problem says */
NTSTATUS pnp_start_stack(struct pnp_node *node, bool questions); /* PS-04, PS-05, PS-06 */
NTSTATUS pnp_restart(struct pnp_node *node);                     /* a stopped one: PS-11 */
NTSTATUS pnp_reassign(struct pnp_node *node); /* START again with other resources, no STOP: PS-18 */

/* ---- state.c ---- */
void pnp_ask_state(struct pnp_node *node); /* QUERY_PNP_DEVICE_STATE and what follows from it */

/* ---- power_relations.c ---- */
void pnp_ask_power_relations(struct pnp_node *node);
void pnp_forget_power_relations(struct pnp_node *node);

/* ---- relations.c ---- */
struct pnp_node *
pnp_node_of_argument(PDEVICE_OBJECT pdo); /* referenced; bug check 0xCA/2 if it has none (PH-21) */
void pnp_catch_up(void);                  /* buses that changed while they were paused; behind every action */
void pnp_enumerate(struct pnp_node *node); /* BusRelations; new children are made, missing ones removed */
PDEVICE_RELATIONS pnp_query_relations(PDEVICE_OBJECT device, DEVICE_RELATION_TYPE type, PFILE_OBJECT file,
                                      NTSTATUS *status); /* paged pool, with references; NULL: none */

/* ---- unload.c ---- */
void pnp_unload_reset(void);
void pnp_unload_idle(void);       /* drivers without a device any more go; behind every action */
void pnp_unload_later(bool wait); /* ... but not by themselves */
/* Services whose drivers went by themselves: they count as loaded when a device looks for a driver. */
void pnp_for_each_departed(void (*visit)(const char *service, void *context), void *context);
bool pnp_lost_driver_is_back(
    struct pnp_node *node); /* the driver whose unloading took this device's is loaded */

/* ---- stop.c ---- */
/* Started devices: all of them are asked, then stopped; one refusal, and all go on. */
NTSTATUS pnp_stop_all(struct pnp_node *const *nodes, unsigned count);
NTSTATUS pnp_leave_boot_resources(struct pnp_node *node); /* PS-19 */

/* ---- eject.c, usage.c ---- */
void pnp_eject_init(void);
void pnp_usage_init(void);

/* ---- removal.c, surprise.c ---- */
void pnp_surprise_reset(void);
void pnp_remove_stack(struct pnp_node *node);   /* REMOVE to the stack; the state stays the caller's */
void pnp_device_missing(struct pnp_node *node); /* the parent lists it no more */
/* It is there, and its drivers have to go without being asked: with this problem. */
void pnp_device_failed(struct pnp_node *node, ULONG problem, NTSTATUS status);

/* ---- root.c ---- */
PDEVICE_OBJECT pnp_root_create_pdo(const WCHAR *hardware_id); /* referenced; NULL: no memory */

#endif
