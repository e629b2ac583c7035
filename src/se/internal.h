/* SPDX-License-Identifier: MIT */
/* Shared by the files of the security component. */
#ifndef SE_INTERNAL_H
#define SE_INTERNAL_H

#include <string.h>
#include "ob/security.h"
#include "ob/services.h"
#include "se/se.h"
#include "se/routines.h"

#define SE_TAG            0x63536553 /* 'SeSc' */
#define SE_MAX_DESCRIPTOR 0x40000

/* sid.c */
bool se_sid_valid(const SID *sid);
ULONG se_sid_length(const SID *sid);
bool se_sid_equal(const SID *a, const SID *b);

/* acl.c: bounds are checked against AclSize and each AceSize. */
bool se_acl_valid(const ACL *acl);
/* Visit the ACEs: at 0 the first; NULL: no more. Only on a valid ACL. */
ACE_HEADER *se_ace_first(const ACL *acl);
ACE_HEADER *se_ace_next(const ACL *acl, const ACE_HEADER *ace);
bool se_ace_has_sid(const ACE_HEADER *ace); /* allowed, denied, audit, label: mask then SID */
static inline ACCESS_MASK se_ace_mask(const ACE_HEADER *ace)
{
    return ((const ACCESS_ALLOWED_ACE *)ace)->Mask;
}
static inline const SID *se_ace_sid(const ACE_HEADER *ace)
{
    return (const SID *)&((const ACCESS_ALLOWED_ACE *)ace)->SidStart;
}
NTSTATUS se_acl_append(ACL *acl, ULONG revision, UCHAR type, UCHAR flags, ACCESS_MASK mask, const SID *sid);

/* descriptor.c: the parts of a descriptor in either form. */
struct se_parts {
    SECURITY_DESCRIPTOR_CONTROL control; /* without SE_SELF_RELATIVE */
    const SID *owner, *group;
    const ACL *sacl, *dacl; /* NULL while SE_xACL_PRESENT is set: a null ACL */
};
void se_parts_of(const void *descriptor, struct se_parts *parts);
bool se_parts_valid(const struct se_parts *parts);
ULONG se_parts_length(const struct se_parts *parts);            /* of the self-relative form */
void se_write_relative(const struct se_parts *parts, void *to); /* to has se_parts_length bytes */
NTSTATUS se_make_relative(const struct se_parts *parts, PSECURITY_DESCRIPTOR *descriptor); /* mm_alloc */
bool se_relative_valid(const void *descriptor, ULONG length); /* untrusted bytes */

/* token.c */
struct se_group {
    const SID *sid;
    ULONG attributes;
};
struct se_token {
    LUID id, authentication_id, modified_id;
    TOKEN_TYPE type;
    SECURITY_IMPERSONATION_LEVEL level;
    const SID *user;
    const struct se_group *groups;
    ULONG group_count;
    ULONG64 privileges, enabled; /* bit n: privilege LUID n is held; is enabled */
    const SID *owner, *primary_group;
    const ACL *default_dacl;
    const SID *integrity;
    ULONG session;
    bool restricted; /* has restricting SIDs */
    LONG locks;      /* subject contexts that locked it; atomic */
    char source[8];
};
extern struct ob_type *se_token_type;
NTSTATUS se_token_init(void);
bool se_token_has_sid(const struct se_token *token, const SID *sid, bool for_deny);
bool se_token_has_privilege(const struct se_token *token, ULONG privilege);
/* Which token a subject acts with. NULL client: the primary one. */
const struct se_token *se_effective(const SECURITY_SUBJECT_CONTEXT *subject);

/* access_check.c */
struct se_request {
    const struct se_token *token;
    ACCESS_MASK desired, previously;
    const GENERIC_MAPPING *mapping;
};
NTSTATUS se_evaluate(const struct se_parts *parts, const struct se_request *request, ACCESS_MASK *granted,
                     ULONG64 *privileges_used);
ACCESS_MASK se_map(ACCESS_MASK mask, const GENERIC_MAPPING *mapping);

/* well known */
extern const SID se_world_sid, se_local_system_sid, se_creator_owner_sid, se_creator_group_sid,
    se_restricted_sid;
extern const struct se_sid2 {
    UCHAR revision, count;
    SID_IDENTIFIER_AUTHORITY authority;
    ULONG sub[2];
} se_admins_sid, se_users_sid;
const SID *se_sid_of_alias(WCHAR first, WCHAR second); /* SDDL two-letter alias; NULL: unknown */

/* relative.c, assign.c: what se registers with the object manager (ob/security.h) */
NTSTATUS se_capture(PSECURITY_DESCRIPTOR descriptor, KPROCESSOR_MODE mode, PSECURITY_DESCRIPTOR *captured);
NTSTATUS se_merge(SECURITY_INFORMATION information, PSECURITY_DESCRIPTOR old, PSECURITY_DESCRIPTOR with,
                  PSECURITY_DESCRIPTOR *merged);
NTSTATUS se_select(SECURITY_INFORMATION information, PSECURITY_DESCRIPTOR whole, PSECURITY_DESCRIPTOR *part);

/* What a driver frees with ExFreePool: paged pool. */
void *se_pool(size_t size);

#endif
