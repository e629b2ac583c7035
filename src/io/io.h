/* SPDX-License-Identifier: MIT */
/*
 * The I/O manager: driver objects, device objects, file objects, IRPs.
 * Private state wraps the public structure. The database lock (a KSPIN_LOCK at
 * DISPATCH_LEVEL) guards device lists, attachment and reference counts; the
 * cancel spin lock is NT's one global lock. No lock is held across a call into
 * a driver, except the cancel lock for a cancel routine, as on NT.
 */
#ifndef IO_H
#define IO_H

#include "ex/ex.h"
#include "ldr/ldr.h"
#include "rtl/rtl.h"
#include "cm/cm.h"

NTSTATUS io_init(void);
void io_fini(void);

extern struct ob_type *io_driver_type, *io_device_type, *io_file_type, *io_controller_type, *io_adapter_type;

/* ---- drivers ---- */
/* Loads an image under a service name; makes the service key if there is none; calls DriverEntry in a system thread.
 * On failure *error says why (one line) and *status_from_entry is DriverEntry's status if it ran. NT context, PASSIVE. */
struct io_load_request {
    const char *file_name; /* base name as given, for messages; a path is kept in ImagePath */
    const void *bytes;
    size_t length;
    const char *service;   /* base name without extension if NULL */
    bool checked_gates, deterministic;
};
struct io_load_result {
    PDRIVER_OBJECT driver;
    NTSTATUS status;
    bool entry_ran;
    struct ldr_error error;
};
NTSTATUS io_load_driver(const struct io_load_request *request, struct io_load_result *result);
/* LC-09..LC-14. STATUS_INVALID_DEVICE_REQUEST without an Unload routine; STATUS_PENDING: marked, runs when references go. */
NTSTATUS io_unload_driver(PDRIVER_OBJECT driver);
PDRIVER_OBJECT io_find_driver(const char *service); /* referenced */
void io_for_each_driver(void (*visit)(PDRIVER_OBJECT, void *), void *context);
void io_for_each_device(PDRIVER_OBJECT driver, void (*visit)(PDEVICE_OBJECT, void *), void *context);
struct ldr_image *io_driver_image(PDRIVER_OBJECT driver);
const char *io_driver_service(PDRIVER_OBJECT driver);
void io_for_each_irp(void (*visit)(PIRP, void *), void *context); /* outstanding, for `irps` and reports */

/* ---- system services used by the embedding API (previous mode decides about probing) ---- */
/* The Nt* services are exports of this component: NtCreateFile, NtReadFile, NtWriteFile, NtDeviceIoControlFile, NtFsControlFile,
 * NtFlushBuffersFile, NtQueryInformationFile, NtSetInformationFile, NtCancelIoFile, NtClose (ob) ... with their Zw twins. */

/* Internal device control from the embedding API: RequestorMode KernelMode, IRP_MJ_INTERNAL_DEVICE_CONTROL. */
NTSTATUS io_internal_device_control(HANDLE file, HANDLE event, PIO_STATUS_BLOCK iosb, ULONG code, PVOID in, ULONG in_length,
                                    PVOID out, ULONG out_length);

/* IRP number for trace and report: 1.. in allocation order since machine start. */
ULONG io_irp_number(const IRP *irp);
/* Device number: 1.. in creation order; and the device it is attached to, or NULL. */
ULONG io_device_number(const DEVICE_OBJECT *device);
PDEVICE_OBJECT io_lower_device(PDEVICE_OBJECT device);

#endif
