/* SPDX-License-Identifier: MIT */
/* PsGetVersion and the build number as data. */
#include "base/version.h"
#include "ps/internal.h"

/* The high nibble F marks a free build. */
EXPORT_DATA(ntoskrnl, NtBuildNumber)
ULONG NtBuildNumber = 0xF0000000u | NT_VERSION_BUILD;

/* Each parameter may be NULL. Returns TRUE for a checked build: FALSE. IRQL: PASSIVE_LEVEL. */
EXPORT(ntoskrnl, PsGetVersion, PASSIVE_LEVEL, PASSIVE_LEVEL, X_PLAIN)
BOOLEAN NTAPI PsGetVersion(PULONG MajorVersion, PULONG MinorVersion, PULONG BuildNumber,
                           PUNICODE_STRING CSDVersion)
{
    if (MajorVersion)
        *MajorVersion = NT_VERSION_MAJOR;
    if (MinorVersion)
        *MinorVersion = NT_VERSION_MINOR;
    if (BuildNumber)
        *BuildNumber = NT_VERSION_BUILD;
    if (CSDVersion)
        *CSDVersion = (UNICODE_STRING){0, 0, (WCHAR *)u""}; /* no service pack */
    return FALSE;
}
