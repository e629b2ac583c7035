/* SPDX-License-Identifier: MIT */
/*
 * Requests that nobody knows, for every stack that has started (--verify all):
 * a PnP and a power request with an unassigned minor code, and a WMI request for
 * a provider that does not exist. A driver passes them on untouched; the rules
 * of manager_irps.c see to that.
 */
#include "pnp/pnp.h"
#include "vf/seams.h"

#define UNASSIGNED 0x3F

static void send(struct pnp_node *node, UCHAR major, UCHAR minor)
{
    static ULONG nobody;
    static const GUID nothing;
    ULONG_PTR information = 0;
    IO_STACK_LOCATION location = {.MajorFunction = major, .MinorFunction = minor};
    if (major == IRP_MJ_SYSTEM_CONTROL) {
        location.Parameters.WMI.ProviderId = (ULONG_PTR)&nobody;
        location.Parameters.WMI.DataPath = (PVOID)(ULONG_PTR)&nothing;
    }
    pnp_send(node->pdo, &location, &information);
}

static void started(struct pnp_node *node)
{
    if (!vf_checks_all())
        return;
    /* Nobody may touch what he does not know. */
    send(node, IRP_MJ_PNP, UNASSIGNED);
    send(node, IRP_MJ_POWER, UNASSIGNED);
    send(node, IRP_MJ_SYSTEM_CONTROL, IRP_MN_QUERY_ALL_DATA);
}

void vf_bogus_start(void)
{
    static struct pnp_observer observer;
    observer = (struct pnp_observer){.started = started};
    if (vf_checks_all())
        pnp_observe(&observer);
}
