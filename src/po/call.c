/* SPDX-License-Identifier: MIT */
/* The two routines of drivers that also run on systems before Windows Vista: what they did there, the order
 * of power IRPs, PoRequestPowerIrp and the end of each IRP see to. */
#include "po/private.h"

/* IRQL: <= DISPATCH_LEVEL; PASSIVE_LEVEL in a pageable stack. Rules: PW-09. */
EXPORT(ntoskrnl, PoCallDriver, PASSIVE_LEVEL, DISPATCH_LEVEL, X_CALLS_DRIVER)
NTSTATUS NTAPI PoCallDriver(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    /* PW-09: as IoCallDriver. */
    return IofCallDriver(DeviceObject, Irp);
}

/* No effect since Windows Vista, so it may be missing, too: the end of an IRP starts the next (request.c).
 * IRQL: <= DISPATCH_LEVEL. Rules: PW-10, PW-11. */
EXPORT(ntoskrnl, PoStartNextPowerIrp, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
VOID NTAPI PoStartNextPowerIrp(PIRP Irp)
{
    (void)Irp;
}
