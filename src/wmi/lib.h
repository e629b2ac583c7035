/* SPDX-License-Identifier: MIT */
/* What the files of WMILIB.SYS share: where an IRP's WNODE is, and the layout of what the library writes. */
#ifndef WMI_LIB_H
#define WMI_LIB_H

#include "wmi/private.h"

/* Where the data of all instances begins, behind one OFFSETINSTANCEDATAANDLENGTH of each. */
static inline ULONG wmi_all_data_offset(ULONG instances)
{
    return (ULONG)ALIGN_UP(offsetof(WNODE_ALL_DATA, OffsetInstanceDataAndLength) +
                               instances * sizeof(OFFSETINSTANCEDATAANDLENGTH),
                           8);
}

/* The driver writes the instances' lengths there; they are in the upper half of the table that they become.
 */
static inline ULONG *wmi_lengths_of(WNODE_ALL_DATA *all)
{
    return (ULONG *)&all->OffsetInstanceDataAndLength[0] + all->InstanceCount;
}

/* WMIREGINFO from the driver's callback; the status that the IRP gets. */
NTSTATUS wmi_lib_reginfo(PWMILIB_CONTEXT context, PDEVICE_OBJECT device, PIRP irp);

#endif
