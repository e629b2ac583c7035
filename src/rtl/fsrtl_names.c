/* SPDX-License-Identifier: MIT */
/*
 * File names for file systems: legal characters, FAT and HPFS rules, taking
 * paths apart; and which statuses are exceptions that a file system handles.
 */
#include "rtl/rtl.h"
#include "rtl/exports.h"
#include "nt/status.h"

enum { FAT = 1, HPFS = 2, NTFS = 4, WILD = 8, OLE = 16, ALL = FAT | HPFS | NTFS | OLE };

/* Legal as (bits above) for each byte. Control characters: only in streams' names. */
static const UCHAR legal[256] = {
    [0x00] = 0,
    [0x01 ... 0x1F] = OLE,
    [' ' ... '!'] = ALL,
    ['"'] = WILD | OLE,
    ['#' ... ')'] = ALL,
    ['*'] = WILD | OLE,
    ['+' ... ','] = HPFS | NTFS | OLE,
    ['-' ... '.'] = ALL,
    ['/'] = 0,
    ['0' ... '9'] = ALL,
    [':'] = 0,
    [';'] = HPFS | NTFS | OLE,
    ['<'] = WILD | OLE,
    ['='] = HPFS | NTFS | OLE,
    ['>' ... '?'] = WILD | OLE,
    ['@' ... 'Z'] = ALL,
    ['['] = HPFS | NTFS | OLE,
    ['\\'] = 0,
    [']'] = HPFS | NTFS | OLE,
    ['^' ... '{'] = ALL,
    ['|'] = OLE,
    ['}' ... 0xFF] = ALL,
};

EXPORT_DATA(ntoskrnl, FsRtlLegalAnsiCharacterArray)
const UCHAR *FsRtlLegalAnsiCharacterArray = legal;

static bool all_legal(const char *name, size_t length, UCHAR allowed)
{
    for (size_t i = 0; i < length; i++)
        if (!(legal[(UCHAR)name[i]] & allowed))
            return false;
    return true;
}

typedef bool component_fn(const char *name, size_t length, bool wild_ok);

/* N or N.E: 1 to 8 and 1 to 3 bytes, neither ending in a space. With wild cards any number of dots and bytes.
 */
static bool fat_component(const char *name, size_t length, bool wild_ok)
{
    bool wild = false;
    size_t dot = length, dots = 0;
    if (!all_legal(name, length, FAT | (wild_ok ? WILD : 0)))
        return false;
    for (size_t i = 0; i < length; i++) {
        wild |= (legal[(UCHAR)name[i]] & WILD) != 0;
        if (name[i] == '.') {
            dot = i;
            dots++;
        }
    }
    if ((length == 1 && dots == 1) || (length == 2 && dots == 2)) /* . and .. */
        return true;
    if (wild)
        return true;
    size_t extension = dots ? length - dot - 1 : 0;
    if (dots > 1 || dot < 1 || dot > 8 || (dots && (extension < 1 || extension > 3)))
        return false;
    return name[dot - 1] != ' ' && name[length - 1] != ' ';
}

static bool hpfs_component(const char *name, size_t length, bool wild_ok)
{
    if (length > 255 || !all_legal(name, length, HPFS | (wild_ok ? WILD : 0)))
        return false;
    if ((length == 1 && name[0] == '.') || (length == 2 && name[0] == '.' && name[1] == '.'))
        return true;
    return name[length - 1] != '.' && name[length - 1] != ' ';
}

static bool legal_name(const STRING *name, bool wild_ok, bool path_ok, bool leading_ok,
                       component_fn *component)
{
    const char *at = name->Buffer, *end = at + name->Length;
    if (at < end && *at == '\\') {
        if (!leading_ok)
            return false;
        at++;
        if (at == end)
            return true;
    }
    if (at == end)
        return false;
    for (;;) {
        const char *stop = at;
        while (stop < end && *stop != '\\')
            stop++;
        if (stop == at || !component(at, (size_t)(stop - at), wild_ok))
            return false;
        if (stop == end)
            return true;
        if (!path_ok)
            return false;
        at = stop + 1;
    }
}

EXPORT(ntoskrnl, FsRtlIsFatDbcsLegal, PASSIVE_LEVEL, APC_LEVEL, X_RAISES)
BOOLEAN NTAPI FsRtlIsFatDbcsLegal(ANSI_STRING DbcsName, BOOLEAN WildCardsPermissible,
                                  BOOLEAN PathNamePermissible, BOOLEAN LeadingBackslashPermissible)
{
    return legal_name(&DbcsName, WildCardsPermissible, PathNamePermissible, LeadingBackslashPermissible,
                      fat_component);
}

EXPORT(ntoskrnl, FsRtlIsHpfsDbcsLegal, PASSIVE_LEVEL, APC_LEVEL, X_RAISES)
BOOLEAN NTAPI FsRtlIsHpfsDbcsLegal(ANSI_STRING DbcsName, BOOLEAN WildCardsPermissible,
                                   BOOLEAN PathNamePermissible, BOOLEAN LeadingBackslashPermissible)
{
    return legal_name(&DbcsName, WildCardsPermissible, PathNamePermissible, LeadingBackslashPermissible,
                      hpfs_component);
}

static bool is_backslash(const void *path, bool wide, size_t i)
{
    return (wide ? ((const WCHAR *)path)[i] : ((const UCHAR *)path)[i]) == '\\';
}

/* Cuts [0, length) at the first backslash that is not the first character: where the name begins, ends, and
 * the rest. */
static void dissect(const void *path, bool wide, size_t length, size_t *first, size_t *first_end,
                    size_t *rest)
{
    size_t i = length > 0 && is_backslash(path, wide, 0);
    *first = i;
    while (i < length && !is_backslash(path, wide, i))
        i++;
    *first_end = i;
    *rest = i < length ? i + 1 : length;
}

/* Both results point into the path; an empty one has no buffer. */
EXPORT(ntoskrnl, FsRtlDissectName, PASSIVE_LEVEL, APC_LEVEL, X_RAISES)
VOID NTAPI FsRtlDissectName(UNICODE_STRING Path, PUNICODE_STRING FirstName, PUNICODE_STRING RemainingName)
{
    size_t length = Path.Length / sizeof(WCHAR), first, first_end, rest;
    dissect(Path.Buffer, true, length, &first, &first_end, &rest);
    USHORT a = (USHORT)((first_end - first) * sizeof(WCHAR)), b = (USHORT)((length - rest) * sizeof(WCHAR));
    *FirstName = (UNICODE_STRING){a, a, a ? Path.Buffer + first : NULL};
    *RemainingName = (UNICODE_STRING){b, b, b ? Path.Buffer + rest : NULL};
}

EXPORT(ntoskrnl, FsRtlDissectDbcs, PASSIVE_LEVEL, APC_LEVEL, X_RAISES)
VOID NTAPI FsRtlDissectDbcs(ANSI_STRING Path, PANSI_STRING FirstName, PANSI_STRING RemainingName)
{
    size_t first, first_end, rest;
    dissect(Path.Buffer, false, Path.Length, &first, &first_end, &rest);
    USHORT a = (USHORT)(first_end - first), b = (USHORT)(Path.Length - rest);
    *FirstName = (STRING){a, a, a ? Path.Buffer + first : NULL};
    *RemainingName = (STRING){b, b, b ? Path.Buffer + rest : NULL};
}

/* FALSE for exceptions that mean a defect and must not be hidden by a file system's handler. */
EXPORT(ntoskrnl, FsRtlIsNtstatusExpected, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
BOOLEAN NTAPI FsRtlIsNtstatusExpected(NTSTATUS Exception)
{
    switch (Exception) {
    case STATUS_DATATYPE_MISALIGNMENT:
    case STATUS_ACCESS_VIOLATION:
    case STATUS_ILLEGAL_INSTRUCTION:
    case STATUS_INSTRUCTION_MISALIGNMENT:
        return FALSE;
    default:
        return TRUE;
    }
}

EXPORT(ntoskrnl, FsRtlNormalizeNtstatus, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
NTSTATUS NTAPI FsRtlNormalizeNtstatus(NTSTATUS Exception, NTSTATUS GenericException)
{
    return FsRtlIsNtstatusExpected(Exception) ? Exception : GenericException;
}

/* TRUE for errors of the device as a whole; one bad sector is none. */
EXPORT(ntoskrnl, FsRtlIsTotalDeviceFailure, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
BOOLEAN NTAPI FsRtlIsTotalDeviceFailure(NTSTATUS Status)
{
    switch (Status) {
    case STATUS_CRC_ERROR:
    case STATUS_DEVICE_DATA_ERROR:
        return FALSE;
    default:
        return !NT_SUCCESS(Status);
    }
}
