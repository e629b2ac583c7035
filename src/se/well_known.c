/* SPDX-License-Identifier: MIT */
/*
 * The identifiers and privilege numbers that every Windows has, and SeExports
 * that leads drivers to them. All constant data.
 */
#include "se/internal.h"

#define SID_1(name, authority_, rid) const SID name = {SID_REVISION, 1, {{0, 0, 0, 0, 0, authority_}}, {rid}}
#define SID_2(name, authority_, first, rid)                                                                  \
    const struct se_sid2 name = {SID_REVISION, 2, {{0, 0, 0, 0, 0, authority_}}, {first, rid}}
#define BUILTIN(name, rid) SID_2(name, 5, SECURITY_BUILTIN_DOMAIN_RID, rid)

static SID_1(null_sid, 0, SECURITY_NULL_RID);
SID_1(se_world_sid, 1, SECURITY_WORLD_RID);
static SID_1(local_sid, 2, SECURITY_LOCAL_RID);
SID_1(se_creator_owner_sid, 3, SECURITY_CREATOR_OWNER_RID);
SID_1(se_creator_group_sid, 3, SECURITY_CREATOR_GROUP_RID);
static SID_1(owner_rights_sid, 3, SECURITY_CREATOR_OWNER_RIGHTS_RID);
static const SID nt_authority_sid = {SID_REVISION, 0, {{0, 0, 0, 0, 0, 5}}, {0}};
static SID_1(dialup_sid, 5, SECURITY_DIALUP_RID);
static SID_1(network_sid, 5, SECURITY_NETWORK_RID);
static SID_1(batch_sid, 5, SECURITY_BATCH_RID);
static SID_1(interactive_sid, 5, SECURITY_INTERACTIVE_RID);
static SID_1(service_sid, 5, SECURITY_SERVICE_RID);
static SID_1(anonymous_sid, 5, SECURITY_ANONYMOUS_LOGON_RID);
static SID_1(authenticated_sid, 5, SECURITY_AUTHENTICATED_USER_RID);
SID_1(se_restricted_sid, 5, SECURITY_RESTRICTED_CODE_RID);
static SID_1(iuser_sid, 5, SECURITY_IUSER_RID);
SID_1(se_local_system_sid, 5, SECURITY_LOCAL_SYSTEM_RID);
static SID_1(local_service_sid, 5, SECURITY_LOCAL_SERVICE_RID);
static SID_1(network_service_sid, 5, SECURITY_NETWORK_SERVICE_RID);
BUILTIN(se_admins_sid, DOMAIN_ALIAS_RID_ADMINS);
BUILTIN(se_users_sid, DOMAIN_ALIAS_RID_USERS);
static BUILTIN(guests_sid, DOMAIN_ALIAS_RID_GUESTS);
static BUILTIN(power_users_sid, DOMAIN_ALIAS_RID_POWER_USERS);
static BUILTIN(account_ops_sid, DOMAIN_ALIAS_RID_ACCOUNT_OPS);
static BUILTIN(system_ops_sid, DOMAIN_ALIAS_RID_SYSTEM_OPS);
static BUILTIN(print_ops_sid, DOMAIN_ALIAS_RID_PRINT_OPS);
static BUILTIN(backup_ops_sid, DOMAIN_ALIAS_RID_BACKUP_OPS);
static BUILTIN(network_config_sid, DOMAIN_ALIAS_RID_NETWORK_CONFIGURATION_OPS);
static BUILTIN(remote_desktop_sid, DOMAIN_ALIAS_RID_REMOTE_DESKTOP_USERS);
static SID_2(all_packages_sid, 15, 2, 1);
static SID_1(untrusted_label, 16, SECURITY_MANDATORY_UNTRUSTED_RID);
static SID_1(low_label, 16, SECURITY_MANDATORY_LOW_RID);
static SID_1(medium_label, 16, SECURITY_MANDATORY_MEDIUM_RID);
static SID_1(high_label, 16, SECURITY_MANDATORY_HIGH_RID);
static SID_1(system_label, 16, SECURITY_MANDATORY_SYSTEM_RID);

/* S-1-5-84-0-0-0-0-0 and the trusted installer's service id need more sub-authorities. */
static const struct {
    UCHAR revision, count;
    SID_IDENTIFIER_AUTHORITY authority;
    ULONG sub[6];
} user_mode_drivers_sid = {SID_REVISION, 6, {{0, 0, 0, 0, 0, 5}}, {84, 0, 0, 0, 0, 0}},
  trusted_installer_sid = {
      SID_REVISION, 6, {{0, 0, 0, 0, 0, 5}}, {80, 956008885, 3418522649, 1831038044, 1853292631, 2271478464}};

#define PRIVILEGE(number)                                                                                    \
    {                                                                                                        \
        (number), 0                                                                                          \
    }
#define WELL_KNOWN(sid) (PSID) & (sid)

static SE_EXPORTS exports = {
    .SeCreateTokenPrivilege = PRIVILEGE(SE_CREATE_TOKEN_PRIVILEGE),
    .SeAssignPrimaryTokenPrivilege = PRIVILEGE(SE_ASSIGNPRIMARYTOKEN_PRIVILEGE),
    .SeLockMemoryPrivilege = PRIVILEGE(SE_LOCK_MEMORY_PRIVILEGE),
    .SeIncreaseQuotaPrivilege = PRIVILEGE(SE_INCREASE_QUOTA_PRIVILEGE),
    .SeUnsolicitedInputPrivilege = PRIVILEGE(SE_UNSOLICITED_INPUT_PRIVILEGE),
    .SeTcbPrivilege = PRIVILEGE(SE_TCB_PRIVILEGE),
    .SeSecurityPrivilege = PRIVILEGE(SE_SECURITY_PRIVILEGE),
    .SeTakeOwnershipPrivilege = PRIVILEGE(SE_TAKE_OWNERSHIP_PRIVILEGE),
    .SeLoadDriverPrivilege = PRIVILEGE(SE_LOAD_DRIVER_PRIVILEGE),
    .SeCreatePagefilePrivilege = PRIVILEGE(SE_CREATE_PAGEFILE_PRIVILEGE),
    .SeIncreaseBasePriorityPrivilege = PRIVILEGE(SE_INC_BASE_PRIORITY_PRIVILEGE),
    .SeSystemProfilePrivilege = PRIVILEGE(SE_SYSTEM_PROFILE_PRIVILEGE),
    .SeSystemtimePrivilege = PRIVILEGE(SE_SYSTEMTIME_PRIVILEGE),
    .SeProfileSingleProcessPrivilege = PRIVILEGE(SE_PROF_SINGLE_PROCESS_PRIVILEGE),
    .SeCreatePermanentPrivilege = PRIVILEGE(SE_CREATE_PERMANENT_PRIVILEGE),
    .SeBackupPrivilege = PRIVILEGE(SE_BACKUP_PRIVILEGE),
    .SeRestorePrivilege = PRIVILEGE(SE_RESTORE_PRIVILEGE),
    .SeShutdownPrivilege = PRIVILEGE(SE_SHUTDOWN_PRIVILEGE),
    .SeDebugPrivilege = PRIVILEGE(SE_DEBUG_PRIVILEGE),
    .SeAuditPrivilege = PRIVILEGE(SE_AUDIT_PRIVILEGE),
    .SeSystemEnvironmentPrivilege = PRIVILEGE(SE_SYSTEM_ENVIRONMENT_PRIVILEGE),
    .SeChangeNotifyPrivilege = PRIVILEGE(SE_CHANGE_NOTIFY_PRIVILEGE),
    .SeRemoteShutdownPrivilege = PRIVILEGE(SE_REMOTE_SHUTDOWN_PRIVILEGE),
    .SeNullSid = WELL_KNOWN(null_sid),
    .SeWorldSid = WELL_KNOWN(se_world_sid),
    .SeLocalSid = WELL_KNOWN(local_sid),
    .SeCreatorOwnerSid = WELL_KNOWN(se_creator_owner_sid),
    .SeCreatorGroupSid = WELL_KNOWN(se_creator_group_sid),
    .SeNtAuthoritySid = WELL_KNOWN(nt_authority_sid),
    .SeDialupSid = WELL_KNOWN(dialup_sid),
    .SeNetworkSid = WELL_KNOWN(network_sid),
    .SeBatchSid = WELL_KNOWN(batch_sid),
    .SeInteractiveSid = WELL_KNOWN(interactive_sid),
    .SeLocalSystemSid = WELL_KNOWN(se_local_system_sid),
    .SeAliasAdminsSid = WELL_KNOWN(se_admins_sid),
    .SeAliasUsersSid = WELL_KNOWN(se_users_sid),
    .SeAliasGuestsSid = WELL_KNOWN(guests_sid),
    .SeAliasPowerUsersSid = WELL_KNOWN(power_users_sid),
    .SeAliasAccountOpsSid = WELL_KNOWN(account_ops_sid),
    .SeAliasSystemOpsSid = WELL_KNOWN(system_ops_sid),
    .SeAliasPrintOpsSid = WELL_KNOWN(print_ops_sid),
    .SeAliasBackupOpsSid = WELL_KNOWN(backup_ops_sid),
    .SeAuthenticatedUsersSid = WELL_KNOWN(authenticated_sid),
    .SeRestrictedSid = WELL_KNOWN(se_restricted_sid),
    .SeAnonymousLogonSid = WELL_KNOWN(anonymous_sid),
    .SeUndockPrivilege = PRIVILEGE(SE_UNDOCK_PRIVILEGE),
    .SeSyncAgentPrivilege = PRIVILEGE(SE_SYNC_AGENT_PRIVILEGE),
    .SeEnableDelegationPrivilege = PRIVILEGE(SE_ENABLE_DELEGATION_PRIVILEGE),
    .SeLocalServiceSid = WELL_KNOWN(local_service_sid),
    .SeNetworkServiceSid = WELL_KNOWN(network_service_sid),
    .SeManageVolumePrivilege = PRIVILEGE(SE_MANAGE_VOLUME_PRIVILEGE),
    .SeImpersonatePrivilege = PRIVILEGE(SE_IMPERSONATE_PRIVILEGE),
    .SeCreateGlobalPrivilege = PRIVILEGE(SE_CREATE_GLOBAL_PRIVILEGE),
    .SeTrustedCredManAccessPrivilege = PRIVILEGE(SE_TRUSTED_CREDMAN_ACCESS_PRIVILEGE),
    .SeRelabelPrivilege = PRIVILEGE(SE_RELABEL_PRIVILEGE),
    .SeIncreaseWorkingSetPrivilege = PRIVILEGE(SE_INC_WORKING_SET_PRIVILEGE),
    .SeTimeZonePrivilege = PRIVILEGE(SE_TIME_ZONE_PRIVILEGE),
    .SeCreateSymbolicLinkPrivilege = PRIVILEGE(SE_CREATE_SYMBOLIC_LINK_PRIVILEGE),
    .SeIUserSid = WELL_KNOWN(iuser_sid),
    .SeUntrustedMandatorySid = WELL_KNOWN(untrusted_label),
    .SeLowMandatorySid = WELL_KNOWN(low_label),
    .SeMediumMandatorySid = WELL_KNOWN(medium_label),
    .SeHighMandatorySid = WELL_KNOWN(high_label),
    .SeSystemMandatorySid = WELL_KNOWN(system_label),
    .SeOwnerRightsSid = WELL_KNOWN(owner_rights_sid),
    .SeAllAppPackagesSid = WELL_KNOWN(all_packages_sid),
    .SeUserModeDriversSid = WELL_KNOWN(user_mode_drivers_sid),
    .SeTrustedInstallerSid = WELL_KNOWN(trusted_installer_sid),
};

EXPORT_DATA(ntoskrnl, SeExports)
PSE_EXPORTS SeExports = &exports;

const SID *se_sid_of_alias(WCHAR first, WCHAR second)
{
    static const struct {
        char alias[3];
        const void *sid;
    } table[] = {
        {"SY", &se_local_system_sid},
        {"BA", &se_admins_sid},
        {"WD", &se_world_sid},
        {"BU", &se_users_sid},
        {"AN", &anonymous_sid},
        {"AU", &authenticated_sid},
        {"BG", &guests_sid},
        {"CO", &se_creator_owner_sid},
        {"CG", &se_creator_group_sid},
        {"IU", &interactive_sid},
        {"LS", &local_service_sid},
        {"NS", &network_service_sid},
        {"NU", &network_sid},
        {"OW", &owner_rights_sid},
        {"PU", &power_users_sid},
        {"RC", &se_restricted_sid},
        {"SU", &service_sid},
        {"BO", &backup_ops_sid},
        {"SO", &system_ops_sid},
        {"AO", &account_ops_sid},
        {"PO", &print_ops_sid},
        {"NO", &network_config_sid},
        {"RD", &remote_desktop_sid},
        {"AC", &all_packages_sid},
        {"UD", &user_mode_drivers_sid},
        {"LW", &low_label},
        {"ME", &medium_label},
        {"HI", &high_label},
        {"SI", &system_label},
        {"IS", &iuser_sid},
    };
    for (unsigned i = 0; i < countof(table); i++)
        if (table[i].alias[0] == (char)first && table[i].alias[1] == (char)second && first < 128 &&
            second < 128)
            return table[i].sid;
    return NULL;
}
