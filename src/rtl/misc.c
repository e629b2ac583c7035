/* SPDX-License-Identifier: MIT */
/* Small routines without a family: checksums, LUIDs. */
#include "rtl/rtl.h"
#include "rtl/exports.h"

#define CRC32_POLYNOMIAL 0xEDB88320u /* reflected, as in IEEE 802.3 */

/* Goes on from a partial checksum; the first one is 0. */
EXPORT(ntoskrnl, RtlComputeCrc32, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
ULONG NTAPI RtlComputeCrc32(ULONG PartialCrc, PVOID Buffer, ULONG Length)
{
    ULONG crc = ~PartialCrc;
    for (const UCHAR *at = Buffer, *end = at + Length; at < end; at++) {
        crc ^= *at;
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? CRC32_POLYNOMIAL : 0);
    }
    return ~crc;
}

EXPORT(ntoskrnl, RtlCopyLuid, PASSIVE_LEVEL, APC_LEVEL, X_RAISES)
VOID NTAPI RtlCopyLuid(PLUID DestinationLuid, PLUID SourceLuid)
{
    *DestinationLuid = *SourceLuid;
}
