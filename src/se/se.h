/* SPDX-License-Identifier: MIT */
/* Security: SIDs, ACLs, descriptors, tokens and the access check. One administrator token, one SYSTEM token.
 */
#ifndef SE_H
#define SE_H

#include "ob/ob.h"

NTSTATUS se_init(void);
void *se_system_token(void);        /* Ob body, type Token */
void *se_administrator_token(void); /* what the embedding API's process runs as */
/* Self-relative copies in pool. SDDL subset of SPEC DO-54. */
NTSTATUS se_from_sddl(const WCHAR *sddl, PSECURITY_DESCRIPTOR *descriptor);
NTSTATUS se_default_device_descriptor(ULONG device_type, ULONG characteristics, bool named,
                                      PSECURITY_DESCRIPTOR *descriptor);
/* KernelMode is always granted. */
NTSTATUS se_check(PSECURITY_DESCRIPTOR descriptor, void *token, ACCESS_MASK desired,
                  const GENERIC_MAPPING *mapping, KPROCESSOR_MODE mode, ACCESS_MASK *granted);
void *se_current_token(void); /* effective token of the current thread; borrowed */

/* ps registers how the current thread's tokens are found; borrowed. Before: SYSTEM. */
struct se_subject_ops {
    void *(*primary_token)(void);
    void *(*impersonation_token)(SECURITY_IMPERSONATION_LEVEL *level); /* NULL: not impersonating */
    HANDLE (*process_id)(void);
};
extern struct se_subject_ops se_subject_ops;
extern PSE_EXPORTS SeExports;

#endif
