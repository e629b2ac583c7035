/* SPDX-License-Identifier: MIT */
/*
 * The version of Windows that the machine says it is, asked in each of the
 * documented ways: workstation, no service pack, terminal services for one user.
 */
#include "rtl/rtl.h"
#include "rtl/exports.h"
#include "base/version.h"
#include "nt/status.h"

#define SUITE_MASK    0x0110      /* VER_SUITE_TERMINAL | VER_SUITE_SINGLEUSERTS */
#define NTDDI_VERSION 0x0A000008u /* NTDDI_WIN10_VB: builds 19041 to 19045 */

/* Fills the short or, if dwOSVersionInfoSize says so, the long structure. */
EXPORT(ntoskrnl, RtlGetVersion, PASSIVE_LEVEL, PASSIVE_LEVEL, X_RAISES)
NTSTATUS NTAPI RtlGetVersion(PRTL_OSVERSIONINFOW lpVersionInformation)
{
    ULONG size = lpVersionInformation->dwOSVersionInfoSize;
    *lpVersionInformation = (RTL_OSVERSIONINFOW){.dwOSVersionInfoSize = size,
                                                 .dwMajorVersion = NT_VERSION_MAJOR,
                                                 .dwMinorVersion = NT_VERSION_MINOR,
                                                 .dwBuildNumber = NT_VERSION_BUILD,
                                                 .dwPlatformId = VER_PLATFORM_WIN32_NT};
    if (size != sizeof(RTL_OSVERSIONINFOEXW))
        return STATUS_SUCCESS;
    PRTL_OSVERSIONINFOEXW extended = (PRTL_OSVERSIONINFOEXW)lpVersionInformation;
    extended->wServicePackMajor = 0;
    extended->wServicePackMinor = 0;
    extended->wSuiteMask = SUITE_MASK;
    extended->wProductType = VER_NT_WORKSTATION;
    extended->wReserved = 0;
    return STATUS_SUCCESS;
}

/* Index of a type's 3 bits in a condition mask: the number of its bit. */
static unsigned condition_shift(ULONG type)
{
    return (unsigned)__builtin_ctz(type) * VER_NUM_BITS_PER_CONDITION_MASK;
}

/* Adds one condition; the lowest of several types counts, none changes nothing. */
EXPORT(ntoskrnl, VerSetConditionMask, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
ULONGLONG NTAPI VerSetConditionMask(ULONGLONG ConditionMask, ULONG TypeMask, UCHAR Condition)
{
    ULONG types = TypeMask & 0xFF;
    if (types == 0)
        return ConditionMask;
    return ConditionMask | (ULONGLONG)(Condition & VER_CONDITION_MASK) << condition_shift(types);
}

static bool holds(ULONG current, ULONG wanted, unsigned condition)
{
    switch (condition) {
    case VER_EQUAL:
        return current == wanted;
    case VER_GREATER:
        return current > wanted;
    case VER_GREATER_EQUAL:
        return current >= wanted;
    case VER_LESS:
        return current < wanted;
    case VER_LESS_EQUAL:
        return current <= wanted;
    default:
        return false;
    }
}

struct part {
    ULONG type, current, wanted;
};

static unsigned condition_of(ULONGLONG mask, ULONG type)
{
    return (unsigned)(mask >> condition_shift(type)) & VER_CONDITION_MASK;
}

/*
 * Major, minor, service pack major and minor count as one number: a later part is looked at only while those
 * before it are equal, all under the condition of the first part asked for.
 */
static bool sequence_holds(const struct part *parts, size_t count, ULONG types, ULONGLONG mask)
{
    unsigned condition = 0;
    bool equal = true;
    for (size_t i = 0; i < count && equal; i++) {
        if (!(types & parts[i].type))
            continue;
        condition = condition ? condition : condition_of(mask, parts[i].type);
        equal = parts[i].current == parts[i].wanted;
        if (!equal)
            return holds(parts[i].current, parts[i].wanted, condition);
    }
    return condition == 0 || holds(0, 0, condition);
}

static bool suites_hold(ULONG wanted, unsigned condition)
{
    return condition == VER_AND ? (SUITE_MASK & wanted) == wanted : (SUITE_MASK & wanted) != 0;
}

/* Every type of TypeMask needs a condition of its own, of the kind that fits it. */
static bool conditions_valid(ULONG types, ULONGLONG mask)
{
    for (ULONG type = 1; type <= VER_PRODUCT_TYPE; type <<= 1) {
        unsigned condition = condition_of(mask, type);
        if (!(types & type))
            continue;
        if (type == VER_SUITENAME ? condition != VER_AND && condition != VER_OR
                                  : condition < VER_EQUAL || condition > VER_LESS_EQUAL)
            return false;
    }
    return true;
}

EXPORT(ntoskrnl, RtlVerifyVersionInfo, PASSIVE_LEVEL, PASSIVE_LEVEL, X_RAISES)
NTSTATUS NTAPI RtlVerifyVersionInfo(PRTL_OSVERSIONINFOEXW VersionInfo, ULONG TypeMask,
                                    ULONGLONG ConditionMask)
{
    const struct part sequence[] = {
        {VER_MAJORVERSION, NT_VERSION_MAJOR, VersionInfo->dwMajorVersion},
        {VER_MINORVERSION, NT_VERSION_MINOR, VersionInfo->dwMinorVersion},
        {VER_SERVICEPACKMAJOR, 0, VersionInfo->wServicePackMajor},
        {VER_SERVICEPACKMINOR, 0, VersionInfo->wServicePackMinor},
    };
    const struct part alone[] = {
        {VER_BUILDNUMBER, NT_VERSION_BUILD, VersionInfo->dwBuildNumber},
        {VER_PLATFORMID, VER_PLATFORM_WIN32_NT, VersionInfo->dwPlatformId},
        {VER_PRODUCT_TYPE, VER_NT_WORKSTATION, VersionInfo->wProductType},
    };
    if (TypeMask == 0 || ConditionMask == 0 || !conditions_valid(TypeMask, ConditionMask))
        return STATUS_INVALID_PARAMETER;
    bool matches = sequence_holds(sequence, countof(sequence), TypeMask, ConditionMask);
    for (size_t i = 0; i < countof(alone); i++)
        if (TypeMask & alone[i].type)
            matches = matches &&
                      holds(alone[i].current, alone[i].wanted, condition_of(ConditionMask, alone[i].type));
    if (TypeMask & VER_SUITENAME)
        matches = matches && suites_hold(VersionInfo->wSuiteMask, condition_of(ConditionMask, VER_SUITENAME));
    return matches ? STATUS_SUCCESS : STATUS_REVISION_MISMATCH;
}

/* TRUE if this system is the version or a later one. */
EXPORT(ntoskrnl, RtlIsNtDdiVersionAvailable, PASSIVE_LEVEL, PASSIVE_LEVEL, X_PLAIN)
BOOLEAN NTAPI RtlIsNtDdiVersionAvailable(ULONG Version)
{
    return NTDDI_VERSION >= Version;
}

/* TRUE if this system is that version with its service pack or a later one; FALSE for another version. */
EXPORT(ntoskrnl, RtlIsServicePackVersionInstalled, PASSIVE_LEVEL, PASSIVE_LEVEL, X_PLAIN)
BOOLEAN NTAPI RtlIsServicePackVersionInstalled(ULONG Version)
{
    return NTDDI_VERSION >> 16 == Version >> 16 && (NTDDI_VERSION & 0xFFFF) >= (Version & 0xFFFF);
}
