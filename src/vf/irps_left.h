/* SPDX-License-Identifier: MIT */
/* Requests that a driver still has when it goes: irps_left.c. */
#ifndef VF_IRPS_LEFT_H
#define VF_IRPS_LEFT_H

#include "vf/report.h"

/* For io_ops.device_going: the driver deletes the device; what it has not completed is remembered. */
void vf_device_going(PDEVICE_OBJECT device);
/* Calls visit for each IRP that is with one of the driver's devices; routine: the dispatch routine that got
 * it. */
void vf_each_irp_kept(PDRIVER_OBJECT driver, void (*visit)(PIRP irp, const void *routine, void *context),
                      void *context);
void vf_forget_irps_kept(PDRIVER_OBJECT driver); /* the driver has gone */
/* For io_ops.cancel_late: a thread that ended has waited so long for an IRP that it had canceled. */
void vf_cancel_late(PIRP irp, ULONG milliseconds);

#endif
