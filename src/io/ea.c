/* SPDX-License-Identifier: MIT */
/*
 * Extended attributes and quotas: the services and the checks of their lists.
 * A list is a chain of entries by byte offsets; nothing in it is trusted.
 */
#include "io/private.h"

static NTSTATUS attach_list(struct io_request *r, const void *list, ULONG length, PVOID *copy)
{
    *copy = NULL;
    if (!list || !length)
        return STATUS_SUCCESS;
    NTSTATUS status = io_probe_read(list, length, sizeof(ULONG), r->mode);
    if (!NT_SUCCESS(status))
        return status;
    *copy = mm_pool_allocate(NonPagedPool, length, IO_NAME_TAG, false, attach_list);
    if (!*copy)
        return STATUS_INSUFFICIENT_RESOURCES;
    r->irp->Tail.Overlay.AuxiliaryBuffer = *copy;
    return arch_copy_guarded(*copy, list, length);
}

static NTSTATUS begin(struct io_request *r, HANDLE handle, ACCESS_MASK access, PIO_STATUS_BLOCK iosb,
                      UCHAR major)
{
    NTSTATUS status = io_request_open(r, handle, access, NULL, NULL, NULL, iosb);
    if (status != STATUS_SUCCESS)
        return status;
    r->wait = true;
    return io_request_allocate(r, major);
}

static NTSTATUS finish(struct io_request *r, NTSTATUS status)
{
    return NT_SUCCESS(status) ? io_request_send(r) : io_request_abandon(r, status);
}

/*
 * Is this chain of FILE_FULL_EA_INFORMATION entries well formed? *ErrorOffset: of the first bad one.
 * IRQL: < DISPATCH_LEVEL. Rules: MJ-08.
 */
EXPORT(ntoskrnl, IoCheckEaBufferValidity, PASSIVE_LEVEL, APC_LEVEL, X_PLAIN)
NTSTATUS NTAPI IoCheckEaBufferValidity(PFILE_FULL_EA_INFORMATION EaBuffer, ULONG EaLength, PULONG ErrorOffset)
{
    ULONG at = 0, head = offsetof(FILE_FULL_EA_INFORMATION, EaName);
    for (;;) {
        const FILE_FULL_EA_INFORMATION *ea = (const void *)((const char *)EaBuffer + at);
        *ErrorOffset = at;
        if (EaLength - at < head + 1)
            return STATUS_EA_LIST_INCONSISTENT;
        ULONG bytes = head + ea->EaNameLength + 1u + ea->EaValueLength;
        if (bytes > EaLength - at || ea->EaName[ea->EaNameLength])
            return STATUS_EA_LIST_INCONSISTENT;
        if (!ea->NextEntryOffset) {
            *ErrorOffset = 0;
            return STATUS_SUCCESS;
        }
        if (ea->NextEntryOffset & 3 || ea->NextEntryOffset < bytes || ea->NextEntryOffset > EaLength - at)
            return STATUS_EA_LIST_INCONSISTENT;
        at += ea->NextEntryOffset;
    }
}

static bool bad_ea_name_list(const FILE_GET_EA_INFORMATION *list, ULONG length)
{
    for (ULONG at = 0;;) {
        const FILE_GET_EA_INFORMATION *e = (const void *)((const char *)list + at);
        if (length - at < sizeof(ULONG) + 2 || sizeof(ULONG) + 2u + e->EaNameLength > length - at)
            return true;
        if (!e->NextEntryOffset)
            return false;
        if (e->NextEntryOffset & 3 || e->NextEntryOffset > length - at)
            return true;
        at += e->NextEntryOffset;
    }
}

/* IRQL: PASSIVE_LEVEL. Rules: MJ-07. */
NTSTATUS NTAPI NtQueryEaFile(HANDLE FileHandle, PIO_STATUS_BLOCK IoStatusBlock, PVOID Buffer, ULONG Length,
                             BOOLEAN ReturnSingleEntry, PVOID EaList, ULONG EaListLength, PULONG EaIndex,
                             BOOLEAN RestartScan)
{
    struct io_request r;
    NTSTATUS status = begin(&r, FileHandle, FILE_READ_EA, IoStatusBlock, IRP_MJ_QUERY_EA);
    if (status != STATUS_SUCCESS)
        return status;
    PIO_STACK_LOCATION next = r.next;
    next->Flags =
        (UCHAR)((RestartScan ? SL_RESTART_SCAN : 0) | (ReturnSingleEntry ? SL_RETURN_SINGLE_ENTRY : 0) |
                (EaIndex ? SL_INDEX_SPECIFIED : 0));
    next->Parameters.QueryEa.Length = Length;
    status = attach_list(&r, EaList, EaListLength, &next->Parameters.QueryEa.EaList);
    if (NT_SUCCESS(status) && next->Parameters.QueryEa.EaList) {
        /* MJ-07: the names asked for. */
        next->Parameters.QueryEa.EaListLength = EaListLength;
        if (bad_ea_name_list(next->Parameters.QueryEa.EaList, EaListLength))
            status = STATUS_EA_LIST_INCONSISTENT;
    }
    if (NT_SUCCESS(status) && EaIndex) {
        ULONG index = 0;
        status = ob_copy_in(&index, EaIndex, sizeof(index), r.mode);
        next->Parameters.QueryEa.EaIndex = index;
    }
    if (NT_SUCCESS(status))
        /* MJ-07: by the device's flags. */
        status = io_transfer_buffer(&r, Buffer, Length, true);
    return finish(&r, status);
}

EXPORT(ntoskrnl, ZwQueryEaFile, PASSIVE_LEVEL, PASSIVE_LEVEL, X_CALLS_DRIVER | X_BLOCKS)
NTSTATUS NTAPI ZwQueryEaFile(HANDLE FileHandle, PIO_STATUS_BLOCK IoStatusBlock, PVOID Buffer, ULONG Length,
                             BOOLEAN ReturnSingleEntry, PVOID EaList, ULONG EaListLength, PULONG EaIndex,
                             BOOLEAN RestartScan)
{
    return ZW_CALL(NtQueryEaFile(FileHandle, IoStatusBlock, Buffer, Length, ReturnSingleEntry, EaList,
                                 EaListLength, EaIndex, RestartScan));
}

/* The list must hold together before a driver sees it. */
static NTSTATUS check_ea_list(const void *buffer, ULONG length, KPROCESSOR_MODE mode)
{
    ULONG offset;
    NTSTATUS status = io_probe_read(buffer, length, sizeof(ULONG), mode);
    if (!NT_SUCCESS(status))
        return status;
    void *copy = mm_alloc(length ? length : 1, IO_NAME_TAG);
    if (!copy)
        return STATUS_INSUFFICIENT_RESOURCES;
    status = arch_copy_guarded(copy, buffer, length);
    if (NT_SUCCESS(status))
        status = IoCheckEaBufferValidity(copy, length, &offset);
    mm_free(copy);
    return status;
}

/* IRQL: PASSIVE_LEVEL. Rules: MJ-08. */
NTSTATUS NTAPI NtSetEaFile(HANDLE FileHandle, PIO_STATUS_BLOCK IoStatusBlock, PVOID Buffer, ULONG Length)
{
    struct io_request r;
    /* MJ-08: a malformed list goes no further. */
    NTSTATUS status = check_ea_list(Buffer, Length, ke_previous_mode());
    if (!NT_SUCCESS(status))
        return status;
    status = begin(&r, FileHandle, FILE_WRITE_EA, IoStatusBlock, IRP_MJ_SET_EA);
    if (status != STATUS_SUCCESS)
        return status;
    r.next->Parameters.SetEa.Length = Length;
    /* MJ-08: by the device's flags. */
    return finish(&r, io_transfer_buffer(&r, Buffer, Length, false));
}

EXPORT(ntoskrnl, ZwSetEaFile, PASSIVE_LEVEL, PASSIVE_LEVEL, X_CALLS_DRIVER | X_BLOCKS)
NTSTATUS NTAPI ZwSetEaFile(HANDLE FileHandle, PIO_STATUS_BLOCK IoStatusBlock, PVOID Buffer, ULONG Length)
{
    return ZW_CALL(NtSetEaFile(FileHandle, IoStatusBlock, Buffer, Length));
}

static ULONG sid_bytes(const SID *sid)
{
    return 8u + 4u * sid->SubAuthorityCount;
}

/* Where to begin: a SID behind the list, or alone. */
static NTSTATUS attach_quota_lists(struct io_request *r, const void *list, ULONG length, const void *start)
{
    PIO_STACK_LOCATION next = r->next;
    PVOID copy;
    if (list && length) {
        NTSTATUS status = attach_list(r, list, length, &copy);
        next->Parameters.QueryQuota.SidList = copy;
        /* MJ-19: the users asked for. */
        next->Parameters.QueryQuota.SidListLength = length;
        return status;
    }
    if (!start)
        return STATUS_SUCCESS;
    SID head;
    NTSTATUS status = ob_copy_in(&head, start, sizeof(head), r->mode);
    if (NT_SUCCESS(status) && head.SubAuthorityCount > SID_MAX_SUB_AUTHORITIES)
        status = STATUS_INVALID_SID;
    if (NT_SUCCESS(status))
        status = attach_list(r, start, sid_bytes(&head), &copy);
    if (NT_SUCCESS(status))
        next->Parameters.QueryQuota.StartSid = copy;
    return status;
}

/* IRQL: PASSIVE_LEVEL. Rules: MJ-19. */
EXPORT(ntoskrnl, NtQueryQuotaInformationFile, PASSIVE_LEVEL, PASSIVE_LEVEL, X_CALLS_DRIVER | X_BLOCKS)
NTSTATUS NTAPI NtQueryQuotaInformationFile(HANDLE FileHandle, PIO_STATUS_BLOCK IoStatusBlock, PVOID Buffer,
                                           ULONG Length, BOOLEAN ReturnSingleEntry, PVOID SidList,
                                           ULONG SidListLength, PSID StartSid, BOOLEAN RestartScan)
{
    struct io_request r;
    NTSTATUS status = begin(&r, FileHandle, 0, IoStatusBlock, IRP_MJ_QUERY_QUOTA);
    if (status != STATUS_SUCCESS)
        return status;
    r.next->Flags =
        (UCHAR)((RestartScan ? SL_RESTART_SCAN : 0) | (ReturnSingleEntry ? SL_RETURN_SINGLE_ENTRY : 0) |
                (StartSid && !SidList ? SL_INDEX_SPECIFIED : 0));
    r.next->Parameters.QueryQuota.Length = Length;
    status = attach_quota_lists(&r, SidList, SidListLength, StartSid);
    if (NT_SUCCESS(status))
        /* MJ-19: by the device's flags. */
        status = io_transfer_buffer(&r, Buffer, Length, true);
    return finish(&r, status);
}

EXPORT(ntoskrnl, ZwQueryQuotaInformationFile, PASSIVE_LEVEL, PASSIVE_LEVEL, X_CALLS_DRIVER | X_BLOCKS)
NTSTATUS NTAPI ZwQueryQuotaInformationFile(HANDLE FileHandle, PIO_STATUS_BLOCK IoStatusBlock, PVOID Buffer,
                                           ULONG Length, BOOLEAN ReturnSingleEntry, PVOID SidList,
                                           ULONG SidListLength, PSID StartSid, BOOLEAN RestartScan)
{
    return ZW_CALL(NtQueryQuotaInformationFile(FileHandle, IoStatusBlock, Buffer, Length, ReturnSingleEntry,
                                               SidList, SidListLength, StartSid, RestartScan));
}

/* IRQL: PASSIVE_LEVEL. Rules: MJ-1A. */
EXPORT(ntoskrnl, NtSetQuotaInformationFile, PASSIVE_LEVEL, PASSIVE_LEVEL, X_CALLS_DRIVER | X_BLOCKS)
NTSTATUS NTAPI NtSetQuotaInformationFile(HANDLE FileHandle, PIO_STATUS_BLOCK IoStatusBlock, PVOID Buffer,
                                         ULONG Length)
{
    struct io_request r;
    NTSTATUS status = begin(&r, FileHandle, FILE_WRITE_DATA, IoStatusBlock, IRP_MJ_SET_QUOTA);
    if (status != STATUS_SUCCESS)
        return status;
    /* MJ-1A: how much there is to set. */
    r.next->Parameters.SetQuota.Length = Length;
    /* MJ-1A: by the device's flags. */
    return finish(&r, io_transfer_buffer(&r, Buffer, Length, false));
}

EXPORT(ntoskrnl, ZwSetQuotaInformationFile, PASSIVE_LEVEL, PASSIVE_LEVEL, X_CALLS_DRIVER | X_BLOCKS)
NTSTATUS NTAPI ZwSetQuotaInformationFile(HANDLE FileHandle, PIO_STATUS_BLOCK IoStatusBlock, PVOID Buffer,
                                         ULONG Length)
{
    return ZW_CALL(NtSetQuotaInformationFile(FileHandle, IoStatusBlock, Buffer, Length));
}
