/* SPDX-License-Identifier: MIT */
/* What se registers with the object manager to work on descriptors. */
#ifndef OB_SECURITY_H
#define OB_SECURITY_H

#include "ob/ob.h"

struct ob_security_ops {
    ULONG (*length)(PSECURITY_DESCRIPTOR descriptor);
    /* A caller's descriptor to a self-relative copy from mm_alloc. */
    NTSTATUS(*capture)
    (PSECURITY_DESCRIPTOR descriptor, KPROCESSOR_MODE mode, PSECURITY_DESCRIPTOR *captured);
    /* old (may be NULL) with the named parts of `with`: self-relative, from mm_alloc. */
    NTSTATUS(*merge)
    (SECURITY_INFORMATION information, PSECURITY_DESCRIPTOR old, PSECURITY_DESCRIPTOR with,
     PSECURITY_DESCRIPTOR *merged);
    /* Only the named parts of whole (may be NULL): self-relative, from mm_alloc. */
    NTSTATUS(*select)
    (SECURITY_INFORMATION information, PSECURITY_DESCRIPTOR whole, PSECURITY_DESCRIPTOR *part);
};
extern struct ob_security_ops ob_security_ops;

/* Gives an object a descriptor from mm_alloc (consumed); NULL takes it away. */
void ob_set_descriptor(void *body, PSECURITY_DESCRIPTOR descriptor);
NTSTATUS ob_set_security(void *body, SECURITY_INFORMATION information, PSECURITY_DESCRIPTOR descriptor,
                         KPROCESSOR_MODE mode);
ACCESS_MASK ob_map_access(const struct ob_type *type, ACCESS_MASK desired);

NTSTATUS NTAPI ObGetObjectSecurity(PVOID Object, PSECURITY_DESCRIPTOR *SecurityDescriptor,
                                   PBOOLEAN MemoryAllocated);
VOID NTAPI ObReleaseObjectSecurity(PSECURITY_DESCRIPTOR SecurityDescriptor, BOOLEAN MemoryAllocated);

#endif
