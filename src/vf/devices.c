/* SPDX-License-Identifier: MIT */
/*
 * What the layers that manage devices find themselves while they work: the PnP
 * manager, the power manager and WMI tell it here, with the parameters that the
 * bug check reference gives. A driver that called one of their routines is
 * blamed; else the driver whose routine runs, if there is one.
 */
#include "vf/seams.h"
#include "pnp/pnp.h"
#include "wmi/wmi.h"

static void violation(ULONG code, ULONG64 p1, ULONG64 p2, ULONG64 p3, ULONG64 p4, const char *sentence)
{
    const struct arch_record *record = ke_thread()->arch.records;
    struct vf_finding f;
    vf_find(&f, code, p1, p2, p3, p4, "%s", sentence);
    if (record != NULL && record->type == ARCH_RECORD_GATE)
        f.blame = arch_image_find(record->rip) != NULL ? record->rip : vf_routine(ke_thread());
    vf_stop_for(&f);
}

void vf_devices_start(void)
{
    pnp_ops.added = vf_device_added;
    pnp_ops.violation = violation;
    wmi_ops.violation = violation;
}

void vf_devices_stop(void)
{
    pnp_ops.added = NULL;
    pnp_ops.violation = NULL;
    wmi_ops.violation = NULL;
}
