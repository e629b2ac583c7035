/* SPDX-License-Identifier: MIT */
/*
 * Fast I/O: a file system's or a network transport's routines that the I/O
 * manager calls in the thread of the requester, in place of an IRP, with the
 * requester's own addresses. What a routine does not do goes the IRP's way.
 */
#include "io/fast_io.h"
#include "ps/routines.h"

/* NULL: there is none. Rules: FI-01, FI-02. */
static PVOID entry_of(PDEVICE_OBJECT device, size_t offset)
{
    PFAST_IO_DISPATCH fast = device->DriverObject->FastIoDispatch;
    /* FI-01: an ordinary driver has no table. */
    if (!fast)
        return NULL;
    /* FI-02: a table that ends before it has no such entry. */
    if (fast->SizeOfFastIoDispatch < offset + sizeof(PVOID))
        return NULL;
    return *(PVOID *)((char *)fast + offset);
}

#define ENTRY(device_, member_) entry_of(device_, offsetof(FAST_IO_DISPATCH, member_))

static uint64_t enter(PVOID routine)
{
    return ke_callout_enter("fast I/O", routine);
}

/* Rules: FI-03, FI-07. */
static bool leave(PVOID routine, uint64_t cookie, BOOLEAN done)
{
    /* FI-07: IRQL, APCs and interrupts as they were. */
    ke_callout_leave("fast I/O", routine, cookie);
    /* FI-03: not done means an IRP. */
    return done;
}

/* The result goes to the caller, as an IRP's would. */
static void finish(struct io_request *r, const IO_STATUS_BLOCK *result)
{
    arch_copy_guarded(r->iosb, result, sizeof(*result));
    if (r->event && !(r->file->Flags & FO_SKIP_SET_FAST_IO))
        KeSetEvent(r->event, IO_NO_INCREMENT, FALSE);
    KeSetEvent(&r->file->Event, IO_NO_INCREMENT, FALSE);
}

/* IRQL: PASSIVE_LEVEL. Rules: FI-01..FI-04, FI-07. */
bool io_fast_control(struct io_request *r, ULONG code, PVOID in, ULONG in_length, PVOID out, ULONG out_length,
                     NTSTATUS *status)
{
    PVOID routine = ENTRY(r->device, FastIoDeviceControl);
    IO_STATUS_BLOCK result = {0};
    if (!routine)
        return false;
    uint64_t cookie = enter(routine);
    /* SR-40, FI-04: with the caller's raw addresses. */
    BOOLEAN done = ((FAST_IO_DEVICE_CONTROL *)routine)(r->file, TRUE, in, in_length, out, out_length, code,
                                                       &result, r->device);
    if (!leave(routine, cookie, done))
        return false;
    *status = result.Status;
    finish(r, &result);
    return true;
}

static bool is_cached(const struct io_request *r)
{
    /* FI-05: cached files that are synchronous. */
    return r->synchronous && r->file->PrivateCacheMap;
}

/* Rules: FI-01..FI-03, FI-05, FI-07. */
bool io_fast_transfer(struct io_request *r, UCHAR major, PVOID buffer, ULONG length, ULONG key,
                      NTSTATUS *status)
{
    PVOID routine = major == IRP_MJ_READ ? ENTRY(r->device, FastIoRead) : ENTRY(r->device, FastIoWrite);
    IO_STATUS_BLOCK result = {0};
    if (!routine || !is_cached(r))
        return false;
    uint64_t cookie = enter(routine);
    BOOLEAN done =
        ((FAST_IO_READ *)routine)(r->file, &r->offset, length, TRUE, key, buffer, &result, r->device);
    if (!leave(routine, cookie, done))
        return false;
    /* FI-03: nor is an error the answer: the IRP tells it. */
    if (result.Status != STATUS_SUCCESS && result.Status != STATUS_BUFFER_OVERFLOW &&
        result.Status != STATUS_END_OF_FILE)
        return false;
    *status = result.Status;
    io_count_transfer(major == IRP_MJ_READ ? IRP_READ_OPERATION : IRP_WRITE_OPERATION, result.Information);
    finish(r, &result);
    return true;
}

static PVOID query_routine(PDEVICE_OBJECT device, FILE_INFORMATION_CLASS class_)
{
    switch (class_) {
    case FileBasicInformation:
        return ENTRY(device, FastIoQueryBasicInfo);
    case FileStandardInformation:
        return ENTRY(device, FastIoQueryStandardInfo);
    case FileNetworkOpenInformation:
        return ENTRY(device, FastIoQueryNetworkOpenInfo);
    default:
        return NULL;
    }
}

/* The three classes that have a routine, into the caller's memory. Rules: FI-01..FI-03, FI-05, FI-07. */
bool io_fast_query(struct io_request *r, FILE_INFORMATION_CLASS class_, PVOID to, NTSTATUS *status)
{
    PVOID routine = query_routine(r->device, class_);
    IO_STATUS_BLOCK result = {0};
    if (!routine || !is_cached(r))
        return false;
    uint64_t cookie = enter(routine);
    BOOLEAN done = ((FAST_IO_QUERY_BASIC_INFO *)routine)(r->file, TRUE, to, &result, r->device);
    if (!leave(routine, cookie, done))
        return false;
    *status = result.Status;
    finish(r, &result);
    return true;
}

/* Rules: FI-01..FI-03, FI-07. */
bool io_fast_lock(struct io_request *r, PLARGE_INTEGER offset, PLARGE_INTEGER length, ULONG key,
                  BOOLEAN fail_immediately, BOOLEAN exclusive, NTSTATUS *status)
{
    FAST_IO_LOCK *routine = ENTRY(r->device, FastIoLock);
    IO_STATUS_BLOCK result = {0};
    if (!routine)
        return false;
    uint64_t cookie = enter(routine);
    BOOLEAN done = routine(r->file, offset, length, IoGetCurrentProcess(), key, fail_immediately, exclusive,
                           &result, r->device);
    if (!leave(routine, cookie, done))
        return false;
    *status = result.Status;
    finish(r, &result);
    return true;
}

/* Rules: FI-01..FI-03, FI-07. */
bool io_fast_unlock(struct io_request *r, PLARGE_INTEGER offset, PLARGE_INTEGER length, ULONG key,
                    NTSTATUS *status)
{
    FAST_IO_UNLOCK_SINGLE *routine = ENTRY(r->device, FastIoUnlockSingle);
    IO_STATUS_BLOCK result = {0};
    if (!routine)
        return false;
    uint64_t cookie = enter(routine);
    BOOLEAN done = routine(r->file, offset, length, IoGetCurrentProcess(), key, &result, r->device);
    if (!leave(routine, cookie, done))
        return false;
    *status = result.Status;
    finish(r, &result);
    return true;
}

/* When a process has closed its last handle of a file on which it locked ranges. Rules: FI-01..FI-03, FI-07.
 */
bool io_fast_unlock_all(PFILE_OBJECT file, PDEVICE_OBJECT device, PEPROCESS process)
{
    FAST_IO_UNLOCK_ALL *routine = ENTRY(device, FastIoUnlockAll);
    IO_STATUS_BLOCK result = {0};
    if (!routine)
        return false;
    uint64_t cookie = enter(routine);
    BOOLEAN done = routine(file, process, &result, device);
    return leave(routine, cookie, done);
}

/*
 * `lower` is to be deleted and `upper` stands on it: the upper driver's chance to detach and clean up.
 * No lock is held. Rules: FI-06, FI-07.
 */
void io_fast_detach(PDEVICE_OBJECT upper, PDEVICE_OBJECT lower)
{
    FAST_IO_DETACH_DEVICE *routine = ENTRY(upper, FastIoDetachDevice);
    if (!routine)
        return;
    uint64_t cookie = enter(routine);
    /* FI-06: with its own device and the one that goes. */
    routine(upper, lower);
    leave(routine, cookie, TRUE);
}
