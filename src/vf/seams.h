/* SPDX-License-Identifier: MIT */
/* The checks that run while drivers do; set and removed while none runs. */
#ifndef VF_SEAMS_H
#define VF_SEAMS_H

#include "vf/rules.h"

void vf_seams_start(void);
/* Stops the machine: the report names f->blame's driver. */
_Noreturn void vf_stop_for(const struct vf_finding *f);
/* The same, unless the routine to blame is the runtime's own. */
void vf_accuse(const struct vf_finding *f);

/* ---- requests: irp_track.c, what becomes of a dispatch routine's IRP ---- */

#define VF_TRACKED 8 /* stack locations of an IRP, the lowest ones */
enum vf_irp_state {
    VF_IRP_WITH_ROUTINE, /* its dispatch routine runs, or it was not sent there */
    VF_IRP_PENDED,       /* the dispatch routine returned STATUS_PENDING: its driver has the IRP */
    VF_IRP_LEFT,         /* completed by its driver, without the pending mark */
    VF_IRP_LEFT_MARKED
};
enum vf_irp_state vf_irp_state_of(const IRP *irp, int location);
/* A dispatch routine that this thread called and that has the IRP still; NULL: none. */
const struct vf_sent *vf_irp_holder(const IRP *irp, int location);

void NTAPI vf_irp_sent(struct vf_sent *sent, const void *irp, const void *device, const void *routine);
void NTAPI vf_irp_returned(struct vf_sent *sent, int32_t status);
void NTAPI vf_irp_left(const void *irp, const void *location, bool marked);
void NTAPI vf_irp_passed(const void *irp, uint32_t number, const void *routine, bool pended);
void NTAPI vf_irp_finishing(const void *irp);

/* ---- requests of the PnP manager, the power manager and WMI: manager_irps.c, pnp_devices.c ---- */

/* A driver's call of IoCallDriver or IoCompleteRequest; image: the caller's. */
struct vf_manager_call {
    ULONG64 caller, image;
    const char *export;
    const IRP *irp;
    const IO_STACK_LOCATION *next; /* of a sending */
    const DEVICE_OBJECT *target;
};
void vf_manager_sent(struct vf_sent *sent); /* fills what such a request has more */
bool vf_check_manager_send(const struct vf_manager_call *call, struct vf_finding *f);
bool vf_check_manager_complete(const struct vf_manager_call *call, struct vf_finding *f);
void vf_pnp_returned(const struct vf_sent *sent, NTSTATUS status);
/* A driver detaches the device on top of this one; deletes a device. */
bool vf_check_detach(const struct vf_call *call, struct vf_finding *f);
void vf_device_added(PDEVICE_OBJECT device, PDEVICE_OBJECT below, bool filter);
bool vf_check_delete(const struct vf_call *call, struct vf_finding *f);

/* ---- requests: irp_calls.c, what a driver does with an IRP ---- */

/* ---- locks by their order, mutexes: mutexes.c, order.c ---- */

bool vf_check_mutex(enum vf_special special, const struct vf_call *call, const struct vf_locks *locks,
                    struct vf_finding *f);
void vf_mutex_acquired(struct ke_thread *thread, ULONG64 lock, ULONG64 where);
void vf_mutex_released(struct ke_thread *thread, ULONG64 lock);
bool vf_is_mutant(ULONG64 object);
/* A driver is about to wait for the lock in argument 0. */
bool vf_check_order(const struct vf_call *call, const struct vf_locks *locks, struct vf_finding *f);
bool vf_check_freed_locks(const struct vf_call *call, const struct vf_locks *locks, struct vf_finding *f);
bool vf_find_kept_mutex(const struct ke_thread *thread, ULONG64 routine, struct vf_finding *f);

bool vf_check_irp(enum vf_special special, const struct vf_call *call, const struct vf_locks *locks,
                  struct vf_finding *f);
void vf_seams_stop(void);

/* ---- bogus.c ---- */
void vf_bogus_start(void);

/* ---- vf.c ---- */
bool vf_checks_all(void); /* --verify all */

/* ---- devices.c ---- */
void vf_devices_start(void);
void vf_devices_stop(void);

#endif
