/* SPDX-License-Identifier: MIT */
/*
 * Device nodes: the tree, references, and how a node is found. The tree's
 * links are guarded by pnp_tree_lock, a spin lock at DISPATCH_LEVEL held for a
 * few instructions; only the PnP thread writes them.
 */
#include "pnp/private.h"

KSPIN_LOCK pnp_tree_lock;
struct pnp_ops pnp_ops;
static struct pnp_node *root;
static ULONG next_number;
static struct pnp_observer *observers;

struct pnp_node *pnp_root(void)
{
    return root;
}

/* A device object with a node is freed: the bus driver deleted it, and the last pointer went. */
static void device_freed(PDEVICE_OBJECT device)
{
    struct pnp_node *node = io_device_node(device);
    io_set_device_node(device, NULL);
    if (node->state != PNP_DELETED)
        /* PH-20: the driver that listed the PDO had not referenced it. */
        pnp_fatal(5, device, 0, 0,
                  "a PDO was freed while its device node is in the tree: the bus driver did not "
                  "reference it when it answered BusRelations");
    pnp_dereference(node);
}

void pnp_node_reset(void)
{
    pnp_tree_lock = 0;
    root = NULL;
    next_number = 0;
    observers = NULL;
    pnp_ops = (struct pnp_ops){0};
    io_device_node_freed = device_freed;
}

_Noreturn void pnp_fatal(ULONG p1, const void *p2, ULONG64 p3, ULONG64 p4, const char *sentence)
{
    struct ke_bugcheck_info info = {
        .code = PNP_DETECTED_FATAL_ERROR,
        .p = {p1, (ULONG_PTR)p2, p3, p4},
        .sentence = sentence,
        .device = p1 == 2 ? NULL : p2,
    };
    ke_bugcheck(&info);
}

struct pnp_node *pnp_node_create(PDEVICE_OBJECT pdo, struct pnp_node *parent)
{
    struct pnp_node *node = mm_alloc(sizeof(*node), PNP_TAG);
    if (!node)
        return NULL;
    list_init(&node->children);
    node->references = 2; /* the tree's, the PDO's */
    node->number = ++next_number;
    node->pdo = pdo;
    node->present = true;
    node->parent = parent;
    /* PS-01, PH-21: whoever takes a PDO finds its node. */
    io_set_device_node(pdo, node);
    /* PS-01: the mark of a PDO. */
    pdo->Flags |= DO_BUS_ENUMERATED_DEVICE;
    /* Its bus has reported it, so it is made; there are bus drivers that leave this to the PnP manager. */
    pdo->Flags &= ~(ULONG)DO_DEVICE_INITIALIZING;
    KIRQL irql = KeAcquireSpinLockRaiseToDpc(&pnp_tree_lock);
    if (parent)
        list_insert_tail(&parent->children, &node->sibling);
    else
        root = node;
    KeReleaseSpinLock(&pnp_tree_lock, irql);
    return node;
}

void pnp_node_unlink(struct pnp_node *node)
{
    PDEVICE_OBJECT pdo = node->pdo;
    KIRQL irql = KeAcquireSpinLockRaiseToDpc(&pnp_tree_lock);
    list_remove(&node->sibling);
    list_init(&node->sibling);
    node->parent = NULL;
    node->state = PNP_DELETED;
    KeReleaseSpinLock(&pnp_tree_lock, irql);
    pnp_tell(node, offsetof(struct pnp_observer, gone));
    pnp_forget_power_relations(node);
    node->pdo = NULL;
    /* PNP-07a: the reference that the bus driver gave with its answer. */
    ob_dereference(pdo);
    pnp_dereference(node);
}

void pnp_reference(struct pnp_node *node)
{
    __atomic_add_fetch(&node->references, 1, __ATOMIC_RELAXED);
}

static void free_node(struct pnp_node *node)
{
    mm_free(node->device_id);
    mm_free(node->instance_id);
    mm_free(node->instance_path);
    mm_free(node->hardware_ids);
    mm_free(node->compatible_ids);
    mm_free(node->description);
    mm_free(node->location);
    mm_free(node->service);
    mm_free(node->requirements);
    mm_free(node->filtered);
    mm_free(node->boot);
    mm_free(node->lost);
    pnp_release_resources(node);
    mm_free(node);
}

void pnp_dereference(struct pnp_node *node)
{
    if (__atomic_sub_fetch(&node->references, 1, __ATOMIC_ACQ_REL) == 0)
        free_node(node);
}

struct pnp_node *pnp_node_of(const DEVICE_OBJECT *pdo)
{
    struct pnp_node *node = io_is_device(pdo) ? io_device_node(pdo) : NULL;
    return node && node->state != PNP_DELETED ? node : NULL;
}

struct pnp_node *pnp_node_of_stack(PDEVICE_OBJECT device)
{
    PDEVICE_OBJECT base = IoGetDeviceAttachmentBaseRef(device);
    struct pnp_node *node = pnp_node_of(base);
    if (node)
        pnp_reference(node);
    ob_dereference(base);
    return node;
}

void pnp_set_problem(struct pnp_node *node, ULONG problem, NTSTATUS status)
{
    node->problem = problem;
    node->problem_status = status;
}

struct pnp_node *pnp_next_child(struct pnp_node *parent, struct pnp_node *child)
{
    KIRQL irql = KeAcquireSpinLockRaiseToDpc(&pnp_tree_lock);
    LIST_ENTRY *link = !child                        ? parent->children.Flink
                       : child->state == PNP_DELETED ? &parent->children
                                                     : child->sibling.Flink;
    struct pnp_node *next = link == &parent->children ? NULL : container_of(link, struct pnp_node, sibling);
    if (next)
        pnp_reference(next);
    KeReleaseSpinLock(&pnp_tree_lock, irql);
    if (child)
        pnp_dereference(child);
    return next;
}

/* The node that follows in depth-first order, or NULL. The lock is held. */
static struct pnp_node *following(struct pnp_node *node)
{
    if (!list_empty(&node->children))
        return container_of(node->children.Flink, struct pnp_node, sibling);
    while (node->parent && node->sibling.Flink == &node->parent->children)
        node = node->parent;
    return node->parent ? container_of(node->sibling.Flink, struct pnp_node, sibling) : NULL;
}

void pnp_for_each(void (*visit)(struct pnp_node *, void *), void *context)
{
    struct pnp_node *node = root, *next;
    if (node)
        pnp_reference(node);
    while (node) {
        visit(node, context);
        KIRQL irql = KeAcquireSpinLockRaiseToDpc(&pnp_tree_lock);
        next = node->state == PNP_DELETED ? NULL : following(node);
        if (next)
            pnp_reference(next);
        KeReleaseSpinLock(&pnp_tree_lock, irql);
        pnp_dereference(node);
        node = next;
    }
}

struct search {
    const WCHAR *id;
    struct pnp_node *found;
};

static void match(struct pnp_node *node, void *context)
{
    struct search *search = context;
    if (search->found || !node->instance_path || node->state == PNP_DELETED)
        return;
    if (!pnp_same_text(node->instance_path, search->id) && !pnp_multi_has(node->hardware_ids, search->id) &&
        !pnp_multi_has(node->compatible_ids, search->id))
        return;
    pnp_reference(node);
    search->found = node;
}

static NTSTATUS find(void *context)
{
    pnp_for_each(match, context);
    return STATUS_SUCCESS;
}

/* On the PnP thread: behind what was queued before, and nothing of a node changes meanwhile. */
struct pnp_node *pnp_find(const WCHAR *id)
{
    struct search search = {id, NULL};
    pnp_run(find, &search);
    return search.found;
}

void pnp_observe(struct pnp_observer *observer)
{
    struct pnp_observer **at = &observers;
    while (*at)
        at = &(*at)->next;
    observer->next = NULL;
    *at = observer;
}

void pnp_tell(struct pnp_node *node, size_t member)
{
    for (struct pnp_observer *o = observers; o; o = o->next) {
        void (*told)(struct pnp_node *) = *(void (**)(struct pnp_node *))((char *)o + member);
        if (told)
            told(node);
    }
}

NTSTATUS pnp_ask(struct pnp_node *node)
{
    NTSTATUS status = STATUS_SUCCESS;
    for (struct pnp_observer *o = observers; o && NT_SUCCESS(status); o = o->next)
        if (o->query_remove)
            status = o->query_remove(node);
    return status;
}
