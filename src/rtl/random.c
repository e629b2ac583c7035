/* SPDX-License-Identifier: MIT */
/*
 * Random numbers from a seed of the caller's: nothing else is remembered, so
 * a seed always gives the same numbers. All are in [0, MAXLONG - 1].
 */
#include "rtl/rtl.h"
#include "rtl/exports.h"

#define MODULUS 0x7FFFFFFFull /* the prime 2^31 - 1 */

/* Lehmer's linear congruence, as RtlUniform is documented to use. */
static ULONG next(ULONG seed)
{
    return (ULONG)((0x7FFFFFEDull * seed + 0x7FFFFFC3ull) % MODULUS);
}

EXPORT(ntoskrnl, RtlUniform, PASSIVE_LEVEL, APC_LEVEL, X_RAISES)
ULONG NTAPI RtlUniform(PULONG Seed)
{
    return *Seed = next(*Seed);
}

/* Two steps of the generator, the second one added: no simple relation between a number and the seed left
 * behind. */
static ULONG next_mixed(PULONG seed)
{
    ULONG first = next(*seed);
    *seed = next(first);
    return (ULONG)((first * 48271ull + *seed) % MODULUS);
}

EXPORT(ntoskrnl, RtlRandom, PASSIVE_LEVEL, APC_LEVEL, X_RAISES)
ULONG NTAPI RtlRandom(PULONG Seed)
{
    return next_mixed(Seed);
}

EXPORT(ntoskrnl, RtlRandomEx, PASSIVE_LEVEL, APC_LEVEL, X_RAISES)
ULONG NTAPI RtlRandomEx(PULONG Seed)
{
    return next_mixed(Seed);
}
