/* SPDX-License-Identifier: MIT */
/*
 * Share access of files, which file systems keep in a SHARE_ACCESS of their
 * own under a lock of their own; and checks of access masks.
 */
#include "io/private.h"

static void read_access(PFILE_OBJECT file, ACCESS_MASK access)
{
    file->ReadAccess = (access & (FILE_EXECUTE | FILE_READ_DATA)) != 0;
    file->WriteAccess = (access & (FILE_WRITE_DATA | FILE_APPEND_DATA)) != 0;
    file->DeleteAccess = (access & DELETE) != 0;
}

static bool shares(const FILE_OBJECT *file)
{
    return file->ReadAccess || file->WriteAccess || file->DeleteAccess;
}

static void read_sharing(PFILE_OBJECT file, ULONG share)
{
    file->SharedRead = (share & FILE_SHARE_READ) != 0;
    file->SharedWrite = (share & FILE_SHARE_WRITE) != 0;
    file->SharedDelete = (share & FILE_SHARE_DELETE) != 0;
}

static void add(const FILE_OBJECT *file, PSHARE_ACCESS s, LONG by)
{
    s->OpenCount += (ULONG)by;
    s->Readers += (ULONG)(by * (file->ReadAccess != 0));
    s->Writers += (ULONG)(by * (file->WriteAccess != 0));
    s->Deleters += (ULONG)(by * (file->DeleteAccess != 0));
    s->SharedRead += (ULONG)(by * (file->SharedRead != 0));
    s->SharedWrite += (ULONG)(by * (file->SharedWrite != 0));
    s->SharedDelete += (ULONG)(by * (file->SharedDelete != 0));
}

static bool conflicts(const FILE_OBJECT *file, const SHARE_ACCESS *s)
{
    return (file->ReadAccess && s->SharedRead < s->OpenCount) ||
           (file->WriteAccess && s->SharedWrite < s->OpenCount) ||
           (file->DeleteAccess && s->SharedDelete < s->OpenCount) || (s->Readers && !file->SharedRead) ||
           (s->Writers && !file->SharedWrite) || (s->Deleters && !file->SharedDelete);
}

/*
 * May this open have that access, seeing who else has the file open? Update: count it in.
 * IRQL: PASSIVE_LEVEL. STATUS_SHARING_VIOLATION: no.
 */
EXPORT(ntoskrnl, IoCheckShareAccess, PASSIVE_LEVEL, PASSIVE_LEVEL, X_PLAIN)
NTSTATUS NTAPI IoCheckShareAccess(ACCESS_MASK DesiredAccess, ULONG DesiredShareAccess,
                                  PFILE_OBJECT FileObject, PSHARE_ACCESS ShareAccess, BOOLEAN Update)
{
    read_access(FileObject, DesiredAccess);
    if (!shares(FileObject))
        return STATUS_SUCCESS;
    read_sharing(FileObject, DesiredShareAccess);
    if (conflicts(FileObject, ShareAccess))
        return STATUS_SHARING_VIOLATION;
    if (Update)
        add(FileObject, ShareAccess, 1);
    return STATUS_SUCCESS;
}

/* The first open. IRQL: PASSIVE_LEVEL. */
EXPORT(ntoskrnl, IoSetShareAccess, PASSIVE_LEVEL, PASSIVE_LEVEL, X_PLAIN)
VOID NTAPI IoSetShareAccess(ACCESS_MASK DesiredAccess, ULONG DesiredShareAccess, PFILE_OBJECT FileObject,
                            PSHARE_ACCESS ShareAccess)
{
    *ShareAccess = (SHARE_ACCESS){0};
    read_access(FileObject, DesiredAccess);
    if (!shares(FileObject))
        return;
    read_sharing(FileObject, DesiredShareAccess);
    add(FileObject, ShareAccess, 1);
}

/* Counts in an open that IoCheckShareAccess allowed without Update. IRQL: PASSIVE_LEVEL. */
EXPORT(ntoskrnl, IoUpdateShareAccess, PASSIVE_LEVEL, PASSIVE_LEVEL, X_PLAIN)
VOID NTAPI IoUpdateShareAccess(PFILE_OBJECT FileObject, PSHARE_ACCESS ShareAccess)
{
    if (shares(FileObject))
        add(FileObject, ShareAccess, 1);
}

/* The open ends (CLEANUP). IRQL: PASSIVE_LEVEL. */
EXPORT(ntoskrnl, IoRemoveShareAccess, PASSIVE_LEVEL, PASSIVE_LEVEL, X_PLAIN)
VOID NTAPI IoRemoveShareAccess(PFILE_OBJECT FileObject, PSHARE_ACCESS ShareAccess)
{
    if (shares(FileObject))
        add(FileObject, ShareAccess, -1);
}

/* Is everything desired granted? Generic rights are mapped first. IRQL: PASSIVE_LEVEL. */
EXPORT(ntoskrnl, IoCheckDesiredAccess, PASSIVE_LEVEL, APC_LEVEL, X_PLAIN)
NTSTATUS NTAPI IoCheckDesiredAccess(PACCESS_MASK DesiredAccess, ACCESS_MASK GrantedAccess)
{
    const GENERIC_MAPPING *m = &io_file_mapping;
    ACCESS_MASK access = *DesiredAccess;
    if (access & GENERIC_READ)
        access |= m->GenericRead;
    if (access & GENERIC_WRITE)
        access |= m->GenericWrite;
    if (access & GENERIC_EXECUTE)
        access |= m->GenericExecute;
    if (access & GENERIC_ALL)
        access |= m->GenericAll;
    *DesiredAccess = access & ~(ACCESS_MASK)(GENERIC_READ | GENERIC_WRITE | GENERIC_EXECUTE | GENERIC_ALL);
    return *DesiredAccess & ~GrantedAccess ? STATUS_ACCESS_DENIED : STATUS_SUCCESS;
}

/* How generic rights map on files. IRQL: PASSIVE_LEVEL. */
EXPORT(ntoskrnl, IoGetFileObjectGenericMapping, PASSIVE_LEVEL, PASSIVE_LEVEL, X_PLAIN)
PGENERIC_MAPPING NTAPI IoGetFileObjectGenericMapping(VOID)
{
    static GENERIC_MAPPING mapping;
    mapping = io_file_mapping;
    return &mapping;
}
