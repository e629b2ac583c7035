/* SPDX-License-Identifier: MIT */
/*
 * Access tokens. Two exist, both primary: SYSTEM for the system process, an
 * elevated member of Administrators for the embedding API's process. They do
 * not change after they are made, so readers take no lock.
 */
#include "se/internal.h"

struct ob_type *se_token_type;
EXPORT_DATA(ntoskrnl, SeTokenObjectType)
POBJECT_TYPE SeTokenObjectType;

static struct se_token *system_token, *administrator_token;
static ULONG next_id; /* LUIDs of tokens */
struct se_subject_ops se_subject_ops;

static const struct ob_type_ops token_ops = {
    .name = "Token",
    .pool_tag = 0x656b6f54, /* 'Toke' */
    .case_sensitive = true,
    .valid_access = STANDARD_RIGHTS_ALL | 0x1FF,
    .mapping = {STANDARD_RIGHTS_READ | TOKEN_QUERY, STANDARD_RIGHTS_WRITE | 0xE0, STANDARD_RIGHTS_EXECUTE,
                STANDARD_RIGHTS_REQUIRED | 0x1FF},
    .dispatcher_offset = -1,
};

#define GROUP_ON       (SE_GROUP_MANDATORY | SE_GROUP_ENABLED_BY_DEFAULT | SE_GROUP_ENABLED)
#define GROUP_OWNER    (SE_GROUP_ENABLED_BY_DEFAULT | SE_GROUP_ENABLED | SE_GROUP_OWNER)
#define BIT(privilege) (1ull << (privilege))
#define ALL_PRIVILEGES                                                                                       \
    ((BIT(SE_CREATE_SYMBOLIC_LINK_PRIVILEGE + 1) - 1) & ~(BIT(SE_CREATE_TOKEN_PRIVILEGE) - 1))

/* S-1-5-21-...-1001: a local account. */
static const struct {
    UCHAR revision, count;
    SID_IDENTIFIER_AUTHORITY authority;
    ULONG sub[5];
} user_sid = {SID_REVISION, 5, {{0, 0, 0, 0, 0, 5}}, {21, 1004336348, 1177238915, 682003330, 1001}};

static struct se_group system_groups[4], user_groups[6];

/* D:(A;;GA;;;owner)(A;;GA;;;SY): what new objects get when nothing else says. */
static const ACL *make_default_dacl(const SID *owner)
{
    ULONG size = (ULONG)sizeof(ACL) + 2 * (ULONG)offsetof(ACCESS_ALLOWED_ACE, SidStart) +
                 se_sid_length(owner) + se_sid_length(&se_local_system_sid);
    ACL *acl = mm_alloc(size, SE_TAG);
    if (!acl)
        return NULL;
    *acl = (ACL){.AclRevision = ACL_REVISION, .AclSize = (USHORT)size};
    se_acl_append(acl, ACL_REVISION, ACCESS_ALLOWED_ACE_TYPE, 0, GENERIC_ALL, owner);
    se_acl_append(acl, ACL_REVISION, ACCESS_ALLOWED_ACE_TYPE, 0, GENERIC_ALL, &se_local_system_sid);
    return acl;
}

static struct se_token *make_token(const SID *user, const struct se_group *groups, ULONG group_count,
                                   LUID session)
{
    struct se_token *token = ob_create(se_token_type, sizeof(*token));
    if (!token)
        return NULL;
    *token = (struct se_token){
        .id = {next_id, 0},
        .modified_id = {next_id + 1, 0},
        .authentication_id = session,
        .type = TokenPrimary,
        .level = SecurityAnonymous,
        .user = user,
        .groups = groups,
        .group_count = group_count,
        .owner = (const SID *)&se_admins_sid,
        .source = "*SYSTEM*",
    };
    next_id += 2;
    token->default_dacl = make_default_dacl(token->owner);
    return token;
}

static bool make_tokens(void)
{
    LUID system_session = {0x3e7, 0}, user_session = {0x1f2a3, 0};
    system_token = make_token(&se_local_system_sid, system_groups, countof(system_groups), system_session);
    administrator_token = make_token((const SID *)&user_sid, user_groups, countof(user_groups), user_session);
    if (!system_token || !administrator_token || !system_token->default_dacl ||
        !administrator_token->default_dacl)
        return false;
    system_token->primary_group = &se_local_system_sid;
    system_token->integrity = SeExports->SeSystemMandatorySid;
    system_token->privileges = ALL_PRIVILEGES;
    system_token->enabled = ALL_PRIVILEGES;
    administrator_token->primary_group = (const SID *)&se_users_sid;
    administrator_token->integrity = SeExports->SeHighMandatorySid;
    administrator_token->session = 1;
    administrator_token->privileges =
        ALL_PRIVILEGES &
        ~(BIT(SE_CREATE_TOKEN_PRIVILEGE) | BIT(SE_TCB_PRIVILEGE) | BIT(SE_ASSIGNPRIMARYTOKEN_PRIVILEGE) |
          BIT(SE_AUDIT_PRIVILEGE) | BIT(SE_CREATE_PERMANENT_PRIVILEGE) | BIT(SE_MACHINE_ACCOUNT_PRIVILEGE) |
          BIT(SE_SYNC_AGENT_PRIVILEGE) | BIT(SE_TRUSTED_CREDMAN_ACCESS_PRIVILEGE) |
          BIT(SE_RELABEL_PRIVILEGE) | BIT(SE_LOCK_MEMORY_PRIVILEGE));
    /* An elevated process has enabled what its tools ask for: drivers check for these. */
    administrator_token->enabled = BIT(SE_CHANGE_NOTIFY_PRIVILEGE) | BIT(SE_IMPERSONATE_PRIVILEGE) |
                                   BIT(SE_CREATE_GLOBAL_PRIVILEGE) | BIT(SE_LOAD_DRIVER_PRIVILEGE) |
                                   BIT(SE_DEBUG_PRIVILEGE) | BIT(SE_SYSTEM_ENVIRONMENT_PRIVILEGE) |
                                   BIT(SE_SECURITY_PRIVILEGE) | BIT(SE_TAKE_OWNERSHIP_PRIVILEGE) |
                                   BIT(SE_SHUTDOWN_PRIVILEGE) | BIT(SE_MANAGE_VOLUME_PRIVILEGE);
    return true;
}

static void fill_groups(void)
{
    const struct se_group system[] = {
        {(const SID *)&se_admins_sid, GROUP_OWNER},
        {&se_world_sid, GROUP_ON},
        {SeExports->SeAuthenticatedUsersSid, GROUP_ON},
        {SeExports->SeSystemMandatorySid, SE_GROUP_INTEGRITY | SE_GROUP_INTEGRITY_ENABLED},
    };
    const struct se_group user[] = {
        {&se_world_sid, GROUP_ON},
        {(const SID *)&se_admins_sid, GROUP_ON | SE_GROUP_OWNER},
        {(const SID *)&se_users_sid, GROUP_ON},
        {SeExports->SeInteractiveSid, GROUP_ON},
        {SeExports->SeAuthenticatedUsersSid, GROUP_ON},
        {SeExports->SeHighMandatorySid, SE_GROUP_INTEGRITY | SE_GROUP_INTEGRITY_ENABLED},
    };
    memcpy(system_groups, system, sizeof(system));
    memcpy(user_groups, user, sizeof(user));
}

NTSTATUS se_token_init(void)
{
    se_token_type = ob_type_create(&token_ops);
    SeTokenObjectType = (POBJECT_TYPE)se_token_type;
    next_id = 1000;
    fill_groups();
    return se_token_type && make_tokens() ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
}

void *se_system_token(void)
{
    return system_token;
}

void *se_administrator_token(void)
{
    return administrator_token;
}

void *se_current_token(void)
{
    SECURITY_IMPERSONATION_LEVEL level;
    void *token = se_subject_ops.impersonation_token ? se_subject_ops.impersonation_token(&level) : NULL;
    if (!token && se_subject_ops.primary_token)
        token = se_subject_ops.primary_token();
    return token ? token : system_token;
}

/* A deny entry also matches groups that are there for denying only. */
bool se_token_has_sid(const struct se_token *token, const SID *sid, bool for_deny)
{
    if (se_sid_equal(token->user, sid))
        return true;
    for (ULONG i = 0; i < token->group_count; i++) {
        ULONG attributes = token->groups[i].attributes;
        bool counts =
            (attributes & SE_GROUP_ENABLED) || (for_deny && (attributes & SE_GROUP_USE_FOR_DENY_ONLY));
        if (counts && se_sid_equal(token->groups[i].sid, sid))
            return true;
    }
    return false;
}

bool se_token_has_privilege(const struct se_token *token, ULONG privilege)
{
    return privilege < 64 && (token->enabled & BIT(privilege));
}
