/* SPDX-License-Identifier: MIT */
/* The access check, privileges, tokens, assigned descriptors, security of objects. */
#include <string.h>
#include "world.h"
#include "ob/routines.h"
#include "se/routines.h"

static GENERIC_MAPPING mapping = {0x120089, 0x120116, 0x1200A0, 0x1F01FF};
static SECURITY_SUBJECT_CONTEXT subject;
static ACCESS_MASK granted;
static NTSTATUS reason;

static int start_as_user(void **state)
{
    if (world_start(state))
        return -1;
    world_thread->process = world_thread->tcb.process = ps_api_process();
    SeCaptureSubjectContext(&subject);
    return 0;
}

static bool check(const WCHAR *sddl, ACCESS_MASK desired)
{
    PSECURITY_DESCRIPTOR sd;
    assert_status(se_from_sddl(sddl, &sd), STATUS_SUCCESS);
    bool allowed =
        SeAccessCheck(sd, &subject, FALSE, desired, 0, NULL, &mapping, UserMode, &granted, &reason);
    assert_int_equal(allowed, NT_SUCCESS(reason));
    mm_free(sd);
    return allowed;
}

static void entries_are_applied_in_order(void **state)
{
    assert_true(check(u"D:(A;;GR;;;WD)", GENERIC_READ));
    assert_int_equal(granted, 0x120089);
    assert_false(check(u"D:(A;;GR;;;WD)", GENERIC_WRITE));
    assert_status(reason, STATUS_ACCESS_DENIED);
    assert_int_equal(granted, 0);
    assert_true(check(u"D:(A;;GR;;;WD)(A;;GW;;;BU)", GENERIC_READ | GENERIC_WRITE));
    assert_false(check(u"D:(D;;0x1;;;WD)(A;;GA;;;WD)", GENERIC_READ));
    assert_true(check(u"D:(A;;GA;;;WD)(D;;0x1;;;WD)", GENERIC_READ));
    assert_false(check(u"D:(A;;GA;;;SY)", 1));
    assert_false(check(u"D:P", 1));
    assert_true(check(u"O:SY", 1)); /* no DACL at all */
    assert_false(check(u"D:(A;IO;GA;;;WD)", 1));
}

static void maximum_allowed_collects(void **state)
{
    assert_true(check(u"D:(D;;0x2;;;WD)(A;;0x7;;;WD)", MAXIMUM_ALLOWED));
    assert_int_equal(granted, 5);
    assert_true(check(u"O:SY", MAXIMUM_ALLOWED));
    assert_int_equal(granted, mapping.GenericAll);
    assert_false(check(u"D:P", MAXIMUM_ALLOWED));
}

static void owners_may_read_and_change_the_dacl(void **state)
{
    assert_true(check(u"O:BAD:P", READ_CONTROL | WRITE_DAC));
    assert_false(check(u"O:SYD:P", WRITE_DAC));
    assert_false(check(u"O:BAD:P(A;;RC;;;OW)", WRITE_DAC)); /* owner rights say otherwise */
    assert_true(check(u"O:BAD:P(A;;RC;;;OW)", READ_CONTROL));
}

static void privileges_grant_rights(void **state)
{
    PSECURITY_DESCRIPTOR sd;
    PPRIVILEGE_SET used;
    assert_status(se_from_sddl(u"O:SYD:P", &sd), STATUS_SUCCESS);
    assert_true(SeAccessCheck(sd, &subject, FALSE, WRITE_OWNER | ACCESS_SYSTEM_SECURITY, 0, &used, &mapping,
                              UserMode, &granted, &reason));
    assert_int_equal(used->PrivilegeCount, 2);
    assert_int_equal(used->Privilege[0].Luid.LowPart, SE_SECURITY_PRIVILEGE);
    SeFreePrivileges(used);
    assert_true(SeAccessCheck(sd, &subject, FALSE, 1, 1, NULL, &mapping, UserMode, &granted,
                              &reason)); /* granted before */
    assert_false(SeAccessCheck(NULL, &subject, FALSE, 1, 0, NULL, &mapping, UserMode, &granted, &reason));
    assert_true(
        SeAccessCheck(sd, &subject, FALSE, GENERIC_ALL, 0, NULL, &mapping, KernelMode, &granted, &reason));
    assert_int_equal(granted, mapping.GenericAll);
    subject.ClientToken = subject.PrimaryToken;
    subject.ImpersonationLevel = SecurityIdentification;
    assert_false(SeAccessCheck(sd, &subject, FALSE, 1, 1, NULL, &mapping, UserMode, &granted, &reason));
    assert_status(reason, STATUS_BAD_IMPERSONATION_LEVEL);
    subject.ClientToken = NULL;
}

static void privilege_checks(void **state)
{
    PRIVILEGE_SET set = {1, PRIVILEGE_SET_ALL_NECESSARY, {{{SE_TCB_PRIVILEGE, 0}, 0}}};
    assert_true(SeSinglePrivilegeCheck(SeExports->SeLoadDriverPrivilege, UserMode));
    assert_false(SeSinglePrivilegeCheck(SeExports->SeTcbPrivilege, UserMode));
    assert_true(SeSinglePrivilegeCheck(SeExports->SeTcbPrivilege, KernelMode));
    assert_false(SePrivilegeCheck(&set, &subject, UserMode));
    assert_true(SePrivilegeCheck(&set, &subject, KernelMode));
    set.Privilege[0].Luid = SeExports->SeDebugPrivilege;
    assert_true(SePrivilegeCheck(&set, &subject, UserMode));
    assert_int_equal(set.Privilege[0].Attributes, SE_PRIVILEGE_USED_FOR_ACCESS);
}

static void subject_contexts_hold_tokens(void **state)
{
    LONG before = ob_pointer_count(se_administrator_token());
    SECURITY_SUBJECT_CONTEXT context;
    SeCaptureSubjectContext(&context);
    assert_ptr_equal(context.PrimaryToken, se_administrator_token());
    assert_null(context.ClientToken);
    assert_int_equal(ob_pointer_count(se_administrator_token()), before + 1);
    SeLockSubjectContext(&context);
    SeUnlockSubjectContext(&context);
    assert_bugcheck(SeUnlockSubjectContext(&context), RESOURCE_NOT_OWNED);
    SeReleaseSubjectContext(&context);
    assert_int_equal(ob_pointer_count(se_administrator_token()), before);
}

static void tokens_tell(void **state)
{
    TOKEN_USER *user;
    TOKEN_GROUPS *groups;
    TOKEN_PRIVILEGES *privileges;
    PVOID number = NULL;
    void *token = se_system_token();
    assert_status(SeQueryInformationToken(token, TokenUser, (void **)&user), STATUS_SUCCESS);
    assert_true(RtlEqualSid(user->User.Sid, SeExports->SeLocalSystemSid));
    assert_status(SeQueryInformationToken(se_administrator_token(), TokenGroups, (void **)&groups),
                  STATUS_SUCCESS);
    assert_true(RtlEqualSid((groups->Groups + 1)->Sid, SeExports->SeAliasAdminsSid));
    assert_status(SeQueryInformationToken(token, TokenPrivileges, (void **)&privileges), STATUS_SUCCESS);
    assert_int_equal(privileges->PrivilegeCount, 34);
    assert_status(SeQueryInformationToken(se_administrator_token(), TokenSessionId, &number), STATUS_SUCCESS);
    assert_int_equal((ULONG64)number, 1);
    assert_status(SeQueryInformationToken(token, TokenIntegrityLevel, &number), STATUS_SUCCESS);
    assert_int_equal((ULONG64)number, SECURITY_MANDATORY_SYSTEM_RID);
    assert_status(SeQueryInformationToken(token, TokenImpersonationLevel, &number),
                  STATUS_INVALID_INFO_CLASS);
    assert_status(SeQueryInformationToken(token, MaxTokenInfoClass, &number), STATUS_INVALID_INFO_CLASS);
    assert_true(SeTokenIsAdmin(token));
    mm_free(user);
    mm_free(groups);
    mm_free(privileges);
}

static ACCESS_MASK assigned_mask(const WCHAR *parent_text, const WCHAR *explicit_text, ULONG *count)
{
    PSECURITY_DESCRIPTOR parent = NULL, explicit = NULL, new;
    BOOLEAN present, defaulted;
    PACL dacl;
    ACCESS_ALLOWED_ACE *ace = NULL;
    if (parent_text)
        se_from_sddl(parent_text, &parent);
    if (explicit_text)
        se_from_sddl(explicit_text, &explicit);
    assert_status(SeAssignSecurity(parent, explicit, &new, FALSE, &subject, &mapping, PagedPool),
                  STATUS_SUCCESS);
    RtlGetDaclSecurityDescriptor(new, &present, &dacl, &defaulted);
    *count = dacl->AceCount;
    RtlGetAce(dacl, 0, (void **)&ace);
    ACCESS_MASK mask = ace ? ace->Mask : 0;
    SeDeassignSecurity(&new);
    assert_null(new);
    return mask;
}

static void new_objects_get_descriptors(void **state)
{
    ULONG count;
    assert_int_equal(assigned_mask(NULL, u"D:(A;;GR;;;WD)", &count), mapping.GenericRead);
    assert_int_equal(assigned_mask(u"D:(A;OI;GW;;;WD)(A;;GA;;;SY)", NULL, &count), mapping.GenericWrite);
    assert_int_equal(count, 1); /* only what is inheritable */
    assert_int_equal(assigned_mask(u"D:(A;OI;GW;;;WD)", u"D:(A;;GR;;;WD)", &count), mapping.GenericRead);
    assert_int_equal(assigned_mask(NULL, NULL, &count), mapping.GenericAll); /* the token's default */
    assert_int_equal(count, 2);
    PSECURITY_DESCRIPTOR foreign, new;
    se_from_sddl(u"O:BG", &foreign);
    world_set_mode(UserMode);
    assert_status(SeAssignSecurity(NULL, foreign, &new, FALSE, &subject, &mapping, PagedPool),
                  STATUS_INVALID_OWNER);
    world_set_mode(KernelMode);
    assert_null(new);
}

static void objects_are_protected(void **state)
{
    HANDLE event, second;
    PSECURITY_DESCRIPTOR sd;
    _Alignas(8) char buffer[256];
    ULONG needed;
    static UNICODE_STRING name;
    static OBJECT_ATTRIBUTES attributes;
    static HANDLE opened;
    name = world_string(u"\\BaseNamedObjects\\Guarded");
    attributes = world_attributes(&name, 0);
    assert_status(ZwCreateEvent(&event, EVENT_ALL_ACCESS, &attributes, NotificationEvent, FALSE),
                  STATUS_SUCCESS);
    se_from_sddl(u"O:SYD:P(A;;GR;;;BA)", &sd);
    assert_status(ZwSetSecurityObject(event, DACL_SECURITY_INFORMATION, sd), STATUS_SUCCESS);
    assert_status(ZwQuerySecurityObject(event, DACL_SECURITY_INFORMATION, buffer, 10, &needed),
                  STATUS_BUFFER_TOO_SMALL);
    assert_status(ZwQuerySecurityObject(event, DACL_SECURITY_INFORMATION, buffer, sizeof(buffer), &needed),
                  STATUS_SUCCESS);
    assert_int_equal(((SECURITY_DESCRIPTOR_RELATIVE *)buffer)->Owner, 0); /* only what was asked for */
    assert_true(((SECURITY_DESCRIPTOR_RELATIVE *)buffer)->Dacl != 0);
    world_user_high = UINTPTR_MAX;
    world_set_mode(UserMode);
    assert_status(NtOpenEvent(&opened, EVENT_QUERY_STATE, &attributes), STATUS_SUCCESS);
    assert_status(NtOpenEvent(&second, EVENT_MODIFY_STATE, &attributes), STATUS_ACCESS_DENIED);
    world_set_mode(KernelMode);
    mm_free(sd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(entries_are_applied_in_order, start_as_user, world_stop),
        cmocka_unit_test_setup_teardown(maximum_allowed_collects, start_as_user, world_stop),
        cmocka_unit_test_setup_teardown(owners_may_read_and_change_the_dacl, start_as_user, world_stop),
        cmocka_unit_test_setup_teardown(privileges_grant_rights, start_as_user, world_stop),
        cmocka_unit_test_setup_teardown(privilege_checks, start_as_user, world_stop),
        cmocka_unit_test_setup_teardown(subject_contexts_hold_tokens, start_as_user, world_stop),
        cmocka_unit_test_setup_teardown(tokens_tell, start_as_user, world_stop),
        cmocka_unit_test_setup_teardown(new_objects_get_descriptors, start_as_user, world_stop),
        cmocka_unit_test_setup_teardown(objects_are_protected, start_as_user, world_stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
