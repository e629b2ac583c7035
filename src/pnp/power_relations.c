/* SPDX-License-Identifier: MIT */
/*
 * Power relations: devices that must be on before another one, beside its
 * parent. Asked when a driver says that they have changed. The list is swapped
 * under pnp_tree_lock, so that any thread may look into it.
 */
#include "pnp/private.h"

static void drop(PDEVICE_RELATIONS relations)
{
    for (ULONG i = 0; relations && i < relations->Count; i++)
        ob_dereference(relations->Objects[i]);
    mm_free(relations);
}

static void put(struct pnp_node *node, PDEVICE_RELATIONS relations)
{
    KIRQL irql = KeAcquireSpinLockRaiseToDpc(&pnp_tree_lock);
    PDEVICE_RELATIONS former = node->power_relations;
    node->power_relations = relations;
    KeReleaseSpinLock(&pnp_tree_lock, irql);
    drop(former);
}

void pnp_forget_power_relations(struct pnp_node *node)
{
    put(node, NULL);
}

/* Rules: PNP-07e. */
void pnp_ask_power_relations(struct pnp_node *node)
{
    NTSTATUS status;
    /* PNP-07e: which devices it needs. */
    PDEVICE_RELATIONS relations = pnp_query_relations(node->pdo, PowerRelations, NULL, &status);
    if (!relations) {
        put(node, NULL);
        return;
    }
    size_t bytes = sizeof(*relations) + relations->Count * sizeof(PVOID);
    PDEVICE_RELATIONS copy = mm_alloc(bytes, PNP_TAG);
    if (copy) {
        __builtin_memcpy(copy, relations,
                         offsetof(DEVICE_RELATIONS, Objects) + relations->Count * sizeof(PVOID));
        /* PNP-07e: with the references that the drivers gave. */
        put(node, copy);
    }
    mm_pool_free(relations, 0, pnp_ask_power_relations);
}

bool pnp_power_needs(const struct pnp_node *node, const struct pnp_node *other)
{
    bool needs = false;
    KIRQL irql = KeAcquireSpinLockRaiseToDpc(&pnp_tree_lock);
    for (ULONG i = 0; node->power_relations && i < node->power_relations->Count; i++)
        needs = needs || node->power_relations->Objects[i] == other->pdo;
    KeReleaseSpinLock(&pnp_tree_lock, irql);
    return needs;
}
