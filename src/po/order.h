/* SPDX-License-Identifier: MIT */
/*
 * The order of a system transition: all started devices, each with a rank.
 * Rank 0 goes down first and comes up last; who depends on another has a lower
 * rank. Made and used on the PnP thread, so the tree stays as it is.
 */
#ifndef PO_ORDER_H
#define PO_ORDER_H

#include "po/private.h"

struct po_stage;

struct po_stop {
    struct pnp_node *node; /* referenced */
    unsigned rank;
    bool started, asked;
    NTSTATUS status; /* of its last IRP */
    struct po_stage *stage;
};

struct po_plan {
    struct po_stop *stops;
    unsigned count, room, ranks;
    bool failed; /* no memory */
};

NTSTATUS po_plan_make(struct po_plan *plan);
void po_plan_free(struct po_plan *plan);

#endif
