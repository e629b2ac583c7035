/* SPDX-License-Identifier: MIT */
/*
 * What tokens are asked for. SeQueryInformationToken gives a block of paged
 * pool that the caller frees with ExFreePool; for the classes that are a plain
 * number it gives the number itself.
 */
#include "se/internal.h"

/* A structure with pointers into its own tail. */
struct block {
    char *base;    /* NULL while measuring */
    char *seen_at; /* the address its pointers are made for: base, or the user's buffer */
    size_t used;
};

static void *take(struct block *block, size_t size)
{
    void *at = block->base ? block->base + block->used : NULL;
    block->used = ALIGN_UP(block->used + size, 8);
    return at;
}

static PSID put_sid(struct block *block, const SID *sid)
{
    size_t offset = block->used;
    void *to = take(block, se_sid_length(sid));
    if (to)
        memcpy(to, sid, se_sid_length(sid));
    return block->seen_at + offset;
}

static void put_user(struct block *block, const struct se_token *token)
{
    TOKEN_USER *to = take(block, sizeof(*to));
    PSID sid = put_sid(block, token->user);
    if (to)
        *to = (TOKEN_USER){{sid, 0}};
}

static void put_groups(struct block *block, const struct se_token *token)
{
    TOKEN_GROUPS *to =
        take(block, offsetof(TOKEN_GROUPS, Groups) + token->group_count * sizeof(SID_AND_ATTRIBUTES));
    if (to)
        to->GroupCount = token->group_count;
    for (ULONG i = 0; i < token->group_count; i++) {
        PSID sid = put_sid(block, token->groups[i].sid);
        if (to)
            to->Groups[i] = (SID_AND_ATTRIBUTES){sid, token->groups[i].attributes};
    }
}

static void put_privileges(struct block *block, const struct se_token *token)
{
    ULONG count = (ULONG)__builtin_popcountll(token->privileges), next = 0;
    TOKEN_PRIVILEGES *to =
        take(block, offsetof(TOKEN_PRIVILEGES, Privileges) + count * sizeof(LUID_AND_ATTRIBUTES));
    if (!to)
        return;
    to->PrivilegeCount = count;
    for (ULONG i = 0; i < 64; i++)
        if (token->privileges & (1ull << i))
            to->Privileges[next++] =
                (LUID_AND_ATTRIBUTES){{i, 0}, token->enabled & (1ull << i) ? SE_PRIVILEGE_ENABLED : 0};
}

static void put_one_sid(struct block *block, const SID *sid)
{
    TOKEN_OWNER *to = take(block, sizeof(*to)); /* also TOKEN_PRIMARY_GROUP */
    PSID at = put_sid(block, sid);
    if (to)
        to->Owner = at;
}

static void put_default_dacl(struct block *block, const struct se_token *token)
{
    TOKEN_DEFAULT_DACL *to = take(block, sizeof(*to));
    size_t offset = block->used;
    void *dacl = take(block, token->default_dacl->AclSize);
    if (to) {
        to->DefaultDacl = (PACL)(block->seen_at + offset);
        memcpy(dacl, token->default_dacl, token->default_dacl->AclSize);
    }
}

static void put_source(struct block *block, const struct se_token *token)
{
    TOKEN_SOURCE *to = take(block, sizeof(*to));
    if (!to)
        return;
    memset(to, 0, sizeof(*to));
    memcpy(to->SourceName, token->source, sizeof(to->SourceName));
}

static void put_statistics(struct block *block, const struct se_token *token)
{
    TOKEN_STATISTICS *to = take(block, sizeof(*to));
    if (!to)
        return;
    *to = (TOKEN_STATISTICS){
        .TokenId = token->id,
        .AuthenticationId = token->authentication_id,
        .ExpirationTime.QuadPart = INT64_MAX,
        .TokenType = token->type,
        .ImpersonationLevel = token->level,
        .GroupCount = token->group_count,
        .PrivilegeCount = (ULONG)__builtin_popcountll(token->privileges),
        .ModifiedId = token->modified_id,
    };
}

static void put_integrity(struct block *block, const struct se_token *token)
{
    SID_AND_ATTRIBUTES *to = take(block, sizeof(*to)); /* TOKEN_MANDATORY_LABEL */
    PSID sid = put_sid(block, token->integrity);
    if (to)
        *to = (SID_AND_ATTRIBUTES){sid, SE_GROUP_INTEGRITY | SE_GROUP_INTEGRITY_ENABLED};
}

static void put_ulong(struct block *block, ULONG value)
{
    ULONG *to = take(block, sizeof(*to));
    if (to)
        *to = value;
    block->used -= sizeof(ULONG); /* exactly four bytes */
}

/* Measures or fills. STATUS_INVALID_INFO_CLASS: nothing was taken. */
static NTSTATUS put_class(struct block *block, const struct se_token *token, TOKEN_INFORMATION_CLASS class)
{
    switch (class) {
    case TokenUser:
        put_user(block, token);
        break;
    case TokenGroups:
        put_groups(block, token);
        break;
    case TokenPrivileges:
        put_privileges(block, token);
        break;
    case TokenOwner:
        put_one_sid(block, token->owner);
        break;
    case TokenPrimaryGroup:
        put_one_sid(block, token->primary_group);
        break;
    case TokenDefaultDacl:
        put_default_dacl(block, token);
        break;
    case TokenSource:
        put_source(block, token);
        break;
    case TokenType:
        put_ulong(block, token->type);
        break;
    case TokenImpersonationLevel:
        if (token->type != TokenImpersonation)
            return STATUS_INVALID_INFO_CLASS;
        put_ulong(block, token->level);
        break;
    case TokenStatistics:
        put_statistics(block, token);
        break;
    case TokenSessionId:
        put_ulong(block, token->session);
        break;
    case TokenElevation:
        put_ulong(block, TRUE);
        break;
    case TokenElevationType:
        put_ulong(block, 1 /* TokenElevationTypeDefault: no linked token */);
        break;
    case TokenIntegrityLevel:
        put_integrity(block, token);
        break;
    default:
        return STATUS_INVALID_INFO_CLASS;
    }
    return STATUS_SUCCESS;
}

static ULONG integrity_rid(const struct se_token *token)
{
    return token->integrity->SubAuthority[token->integrity->SubAuthorityCount - 1];
}

/* The classes whose answer is a number in TokenInformation itself. */
static bool query_number(const struct se_token *token, TOKEN_INFORMATION_CLASS class, PVOID *information)
{
    if (class != TokenSessionId && class != TokenIntegrityLevel)
        return false;
    *(PULONG)information = class == TokenSessionId ? token->session : integrity_rid(token);
    return true;
}

EXPORT(ntoskrnl, SeQueryInformationToken, PASSIVE_LEVEL, PASSIVE_LEVEL, X_PLAIN)
NTSTATUS NTAPI SeQueryInformationToken(PACCESS_TOKEN Token, TOKEN_INFORMATION_CLASS TokenInformationClass,
                                       PVOID *TokenInformation)
{
    struct block block = {0};
    if (query_number(Token, TokenInformationClass, TokenInformation))
        return STATUS_SUCCESS;
    NTSTATUS status = put_class(&block, Token, TokenInformationClass);
    if (!NT_SUCCESS(status))
        return status;
    block.base = block.seen_at =
        mm_pool_allocate(PagedPool, block.used, SE_TAG, true, __builtin_return_address(0));
    if (!block.base)
        return STATUS_INSUFFICIENT_RESOURCES;
    block.used = 0;
    put_class(&block, Token, TokenInformationClass);
    *TokenInformation = block.base;
    return STATUS_SUCCESS;
}

static NTSTATUS query_to_caller(const struct se_token *token, TOKEN_INFORMATION_CLASS class, PVOID buffer,
                                ULONG length, PULONG needed, KPROCESSOR_MODE mode)
{
    struct block block = {0};
    NTSTATUS status = put_class(&block, token, class);
    if (!NT_SUCCESS(status))
        return status;
    ULONG size = (ULONG)block.used;
    status = ob_copy_out(needed, &size, sizeof(size), mode);
    if (!NT_SUCCESS(status) || length < size)
        return NT_SUCCESS(status) ? STATUS_BUFFER_TOO_SMALL : status;
    block = (struct block){.base = mm_alloc(ALIGN_UP(size, 8), SE_TAG), .seen_at = buffer};
    if (!block.base)
        return STATUS_INSUFFICIENT_RESOURCES;
    put_class(&block, token, class);
    status = ob_copy_out(buffer, block.base, size, mode);
    mm_free(block.base);
    return status;
}

EXPORT(ntoskrnl, NtQueryInformationToken, PASSIVE_LEVEL, PASSIVE_LEVEL, X_PLAIN)
NTSTATUS NTAPI NtQueryInformationToken(HANDLE TokenHandle, TOKEN_INFORMATION_CLASS TokenInformationClass,
                                       PVOID TokenInformation, ULONG TokenInformationLength,
                                       PULONG ReturnLength)
{
    void *token;
    KPROCESSOR_MODE mode = ke_previous_mode();
    ACCESS_MASK access = TokenInformationClass == TokenSource ? TOKEN_QUERY_SOURCE : TOKEN_QUERY;
    NTSTATUS status = ob_reference_by_handle(TokenHandle, access, se_token_type, mode, &token, NULL);
    if (!NT_SUCCESS(status))
        return status;
    status = query_to_caller(token, TokenInformationClass, TokenInformation, TokenInformationLength,
                             ReturnLength, mode);
    ob_dereference(token);
    return status;
}

EXPORT(ntoskrnl, ZwQueryInformationToken, PASSIVE_LEVEL, PASSIVE_LEVEL, X_PLAIN)
NTSTATUS NTAPI ZwQueryInformationToken(HANDLE TokenHandle, TOKEN_INFORMATION_CLASS TokenInformationClass,
                                       PVOID TokenInformation, ULONG TokenInformationLength,
                                       PULONG ReturnLength)
{
    return ZW_CALL(NtQueryInformationToken(TokenHandle, TokenInformationClass, TokenInformation,
                                           TokenInformationLength, ReturnLength));
}

EXPORT(ntoskrnl, SeQueryAuthenticationIdToken, PASSIVE_LEVEL, PASSIVE_LEVEL, X_PLAIN)
NTSTATUS NTAPI SeQueryAuthenticationIdToken(PACCESS_TOKEN Token, PLUID AuthenticationId)
{
    *AuthenticationId = ((const struct se_token *)Token)->authentication_id;
    return STATUS_SUCCESS;
}

EXPORT(ntoskrnl, SeQuerySessionIdToken, PASSIVE_LEVEL, PASSIVE_LEVEL, X_PLAIN)
NTSTATUS NTAPI SeQuerySessionIdToken(PACCESS_TOKEN Token, PULONG SessionId)
{
    *SessionId = ((const struct se_token *)Token)->session;
    return STATUS_SUCCESS;
}

EXPORT(ntoskrnl, SeTokenType, PASSIVE_LEVEL, PASSIVE_LEVEL, X_PLAIN)
TOKEN_TYPE NTAPI SeTokenType(PACCESS_TOKEN Token)
{
    return ((const struct se_token *)Token)->type;
}

EXPORT(ntoskrnl, SeTokenIsAdmin, PASSIVE_LEVEL, PASSIVE_LEVEL, X_PLAIN)
BOOLEAN NTAPI SeTokenIsAdmin(PACCESS_TOKEN Token)
{
    return se_token_has_sid(Token, (const SID *)&se_admins_sid, false);
}

/* A token without restricting SIDs is not restricted; none of ours has any. */
EXPORT(ntoskrnl, SeTokenIsRestricted, PASSIVE_LEVEL, PASSIVE_LEVEL, X_PLAIN)
BOOLEAN NTAPI SeTokenIsRestricted(PACCESS_TOKEN Token)
{
    return ((const struct se_token *)Token)->restricted;
}
