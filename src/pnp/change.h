/* SPDX-License-Identifier: MIT */
/* What the files that stop and remove devices share. All of it runs on the PnP thread. */
#ifndef PNP_CHANGE_H
#define PNP_CHANGE_H

#include "pnp/private.h"

/* What a removal is about: a device, whoever is below it, and its relations; children before their parents,
 * each referenced. */
struct pnp_removal {
    struct pnp_node **nodes; /* in the order of removal */
    struct pnp_node **seen;  /* who was looked at, as relations may lead in a circle */
    unsigned count, seen_count, room;
};

/* ---- removal.c ---- */
bool pnp_has_drivers(const struct pnp_node *node); /* from AddDevice to REMOVE */
/* Empty: room for every node. Then devices are collected, and the end gives them back. */
NTSTATUS pnp_removal_begin(struct pnp_removal *removal);
void pnp_removal_collect(struct pnp_removal *removal, struct pnp_node *node, bool eject);
void pnp_removal_end(struct pnp_removal *removal);
NTSTATUS pnp_removal_query(struct pnp_removal *removal); /* a veto: everybody was told that it is cancelled */
void pnp_removal_cancel(struct pnp_removal *removal);    /* takes a successful query back */
void pnp_removal_commit(struct pnp_removal *removal);    /* REMOVE to all */
/* REMOVE was answered: its children leave the tree, and it too unless its bus lists it. */
void pnp_drivers_gone(struct pnp_node *node);
/* All of it for one device: asked, and removed unless there is a veto. */
NTSTATUS pnp_remove_orderly(struct pnp_node *node);

/* ---- surprise.c ---- */
void pnp_finish_surprises(void); /* REMOVE to those whose last file was closed */
void pnp_remove_unasked(struct pnp_node *node);

/* ---- usage.c ---- */
bool pnp_has_special_file(const struct pnp_node *node);

/* ---- eject.c ---- */
void pnp_lock_device(struct pnp_node *node, bool lock);

#endif
