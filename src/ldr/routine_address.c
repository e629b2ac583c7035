/* SPDX-License-Identifier: MIT */
/*
 * MmGetSystemRoutineAddress: names resolved at run time. Drivers use it to ask
 * whether a routine exists on this system, so an unknown name is NULL, never a
 * slot that faults later.
 */
#include "ldr/image.h"
#include "nt/nt.h"

/*
 * The address of a routine or variable of the kernel or the HAL, NULL if this system has none of that name.
 * IRQL: PASSIVE_LEVEL.
 */
EXPORT(ntoskrnl, MmGetSystemRoutineAddress, PASSIVE_LEVEL, PASSIVE_LEVEL, X_PLAIN)
PVOID NTAPI MmGetSystemRoutineAddress(PUNICODE_STRING SystemRoutineName)
{
    char name[LDR_MAX_NAME];
    size_t chars = SystemRoutineName->Length / sizeof(WCHAR);
    const struct export_entry *entry;

    if (chars == 0 || chars >= sizeof(name))
        return NULL;
    for (size_t i = 0; i < chars; i++) {
        if (SystemRoutineName->Buffer[i] == 0 || SystemRoutineName->Buffer[i] > 0x7F)
            return NULL;
        name[i] = (char)SystemRoutineName->Buffer[i];
    }
    name[chars] = '\0';
    entry = ldr_find_export("ntoskrnl", name);
    return entry != NULL ? (PVOID)ldr_bind_export(entry, ldr_checked_gates) : NULL;
}
