/* SPDX-License-Identifier: MIT */
/* Prototypes of this component's exports that others call. */
#ifndef PNP_ROUTINES_H
#define PNP_ROUTINES_H

#include "nt/io_property.h"
#include "pnp/pnp.h"

/* interface.c */
NTSTATUS NTAPI IoRegisterDeviceInterface(PDEVICE_OBJECT PhysicalDeviceObject, const GUID *InterfaceClassGuid,
                                         PUNICODE_STRING ReferenceString, PUNICODE_STRING SymbolicLinkName);

/* property_data.c */
NTSTATUS NTAPI IoGetDevicePropertyData(PDEVICE_OBJECT Pdo, const DEVPROPKEY *PropertyKey, LCID Lcid,
                                       ULONG Flags, ULONG Size, PVOID Data, PULONG RequiredSize,
                                       PDEVPROPTYPE Type);
NTSTATUS NTAPI IoSetDevicePropertyData(PDEVICE_OBJECT Pdo, const DEVPROPKEY *PropertyKey, LCID Lcid,
                                       ULONG Flags, DEVPROPTYPE Type, ULONG Size, PVOID Data);

#endif
