/* SPDX-License-Identifier: MIT */
/* SIDs, ACLs, both forms of descriptors, capture, SDDL, device defaults. rules: DO-53 DO-54 DO-07 */
#include <stdio.h>
#include <string.h>
#include "nt/io.h"
#include "world.h"
#include "ob/routines.h"
#include "se/routines.h"
#include "se/internal.h"

static void sids(void **state)
{
    SID_IDENTIFIER_AUTHORITY nt = {{0, 0, 0, 0, 0, 5}};
    char storage[SECURITY_MAX_SID_SIZE], copy[SECURITY_MAX_SID_SIZE];
    assert_int_equal(RtlLengthRequiredSid(2), 16);
    assert_status(RtlInitializeSid(storage, &nt, 2), STATUS_SUCCESS);
    *RtlSubAuthoritySid(storage, 0) = 32;
    *RtlSubAuthoritySid(storage, 1) = 544;
    assert_int_equal(*RtlSubAuthorityCountSid(storage), 2);
    assert_int_equal(RtlLengthSid(storage), 16);
    assert_true(RtlEqualSid(storage, SeExports->SeAliasAdminsSid));
    assert_false(RtlEqualSid(storage, SeExports->SeWorldSid));
    assert_status(RtlCopySid(15, copy, storage), STATUS_BUFFER_TOO_SMALL);
    assert_status(RtlCopySid(16, copy, storage), STATUS_SUCCESS);
    assert_true(RtlEqualSid(storage, copy));
    assert_status(RtlInitializeSid(storage, &nt, 16), STATUS_INVALID_PARAMETER);
    copy[0] = 2;
    assert_false(RtlValidSid(copy));
}

static void sids_as_text(void **state)
{
    WCHAR text[64];
    UNICODE_STRING string = {0, sizeof(text), text}, small = {0, 8, text};
    struct {
        SID sid;
        ULONG more;
    } high = {{1, 2, {{1, 0, 0, 0, 0, 0}}, {7}}, 8};
    assert_status(RtlConvertSidToUnicodeString(&string, SeExports->SeAliasAdminsSid, FALSE), STATUS_SUCCESS);
    assert_memory_equal(text, u"S-1-5-32-544", 26);
    assert_status(RtlConvertSidToUnicodeString(&small, SeExports->SeAliasAdminsSid, FALSE),
                  STATUS_BUFFER_OVERFLOW);
    assert_status(RtlConvertSidToUnicodeString(&string, &high, FALSE), STATUS_SUCCESS);
    assert_memory_equal(text, u"S-1-0x10000000000-7-8", 44);
    high.sid.Revision = 9;
    assert_status(RtlConvertSidToUnicodeString(&string, &high, FALSE), STATUS_INVALID_SID);
}

static void acls(void **state)
{
    _Alignas(4) char storage[64];
    ACL *acl = (ACL *)storage;
    ACCESS_ALLOWED_ACE *ace;
    assert_status(RtlCreateAcl(acl, 7, ACL_REVISION), STATUS_BUFFER_TOO_SMALL);
    assert_status(RtlCreateAcl(acl, 64, 9), STATUS_INVALID_PARAMETER);
    assert_status(RtlCreateAcl(acl, 64, ACL_REVISION), STATUS_SUCCESS);
    assert_status(RtlAddAccessAllowedAce(acl, ACL_REVISION, GENERIC_ALL, SeExports->SeWorldSid),
                  STATUS_SUCCESS);
    assert_status(se_acl_append(acl, ACL_REVISION, ACCESS_DENIED_ACE_TYPE, 0, 1, SeExports->SeLocalSystemSid),
                  STATUS_SUCCESS);
    assert_status(RtlAddAccessAllowedAce(acl, ACL_REVISION, 1, SeExports->SeWorldSid),
                  STATUS_ALLOTTED_SPACE_EXCEEDED);
    assert_status(RtlAddAccessAllowedAce(acl, 9, 1, SeExports->SeWorldSid), STATUS_REVISION_MISMATCH);
    assert_status(RtlAddAccessAllowedAceEx(acl, ACL_REVISION, 0x80, 1, SeExports->SeWorldSid),
                  STATUS_INVALID_PARAMETER);
    assert_true(se_acl_valid(acl));
    assert_int_equal(acl->AceCount, 2);
    assert_status(RtlGetAce(acl, 1, (void **)&ace), STATUS_SUCCESS);
    assert_int_equal(ace->Header.AceType, ACCESS_DENIED_ACE_TYPE);
    assert_status(RtlGetAce(acl, 2, (void **)&ace), STATUS_INVALID_PARAMETER);
    assert_status(RtlDeleteAce(acl, 0), STATUS_SUCCESS);
    assert_status(RtlGetAce(acl, 0, (void **)&ace), STATUS_SUCCESS);
    assert_int_equal(ace->Header.AceType, ACCESS_DENIED_ACE_TYPE);
    ACCESS_ALLOWED_ACE first = *ace;
    (void)first;
    char list[20];
    memcpy(list, ace, 20);
    list[0] = ACCESS_ALLOWED_ACE_TYPE;
    assert_status(RtlAddAce(acl, ACL_REVISION, 0, list, 20), STATUS_SUCCESS);
    assert_status(RtlGetAce(acl, 0, (void **)&ace), STATUS_SUCCESS);
    assert_int_equal(ace->Header.AceType, ACCESS_ALLOWED_ACE_TYPE);
    assert_status(RtlAddAce(acl, ACL_REVISION, 0xFFFFFFFF, list, 20), STATUS_BUFFER_TOO_SMALL);
    assert_status(RtlAddAce(acl, ACL_REVISION, 0, list, 19), STATUS_INVALID_PARAMETER);
    ace->Header.AceSize = 0;
    assert_false(se_acl_valid(acl));
}

struct absolute {
    SECURITY_DESCRIPTOR sd;
    _Alignas(4) char dacl[64];
};

static void make_absolute(struct absolute *made)
{
    RtlCreateSecurityDescriptor(&made->sd, SECURITY_DESCRIPTOR_REVISION);
    RtlCreateAcl((PACL)made->dacl, sizeof(made->dacl), ACL_REVISION);
    RtlAddAccessAllowedAce((PACL)made->dacl, ACL_REVISION, GENERIC_ALL, SeExports->SeLocalSystemSid);
    RtlSetDaclSecurityDescriptor(&made->sd, TRUE, (PACL)made->dacl, FALSE);
    RtlSetOwnerSecurityDescriptor(&made->sd, SeExports->SeAliasAdminsSid, FALSE);
    RtlSetGroupSecurityDescriptor(&made->sd, SeExports->SeLocalSystemSid, TRUE);
}

static void parts_are_set_and_read(void **state)
{
    struct absolute made;
    BOOLEAN present, defaulted;
    PACL acl;
    PSID sid;
    make_absolute(&made);
    assert_true(RtlValidSecurityDescriptor(&made.sd));
    assert_status(RtlGetDaclSecurityDescriptor(&made.sd, &present, &acl, &defaulted), STATUS_SUCCESS);
    assert_true(present && !defaulted);
    assert_ptr_equal(acl, made.dacl);
    assert_status(RtlGetSaclSecurityDescriptor(&made.sd, &present, &acl, &defaulted), STATUS_SUCCESS);
    assert_false(present);
    assert_status(RtlGetGroupSecurityDescriptor(&made.sd, &sid, &defaulted), STATUS_SUCCESS);
    assert_true(defaulted);
    assert_ptr_equal(sid, SeExports->SeLocalSystemSid);
    assert_status(RtlSetDaclSecurityDescriptor(&made.sd, TRUE, NULL, TRUE), STATUS_SUCCESS); /* a NULL DACL */
    assert_status(RtlGetDaclSecurityDescriptor(&made.sd, &present, &acl, &defaulted), STATUS_SUCCESS);
    assert_true(present && defaulted && !acl);
    assert_status(RtlCreateSecurityDescriptor(&made.sd, 2), STATUS_UNKNOWN_REVISION);
    made.sd.Revision = 7;
    assert_status(RtlGetOwnerSecurityDescriptor(&made.sd, &sid, &defaulted), STATUS_UNKNOWN_REVISION);
    assert_status(RtlSetOwnerSecurityDescriptor(&made.sd, NULL, FALSE), STATUS_UNKNOWN_REVISION);
}

static void forms_convert(void **state)
{
    struct absolute made, back;
    _Alignas(8) char relative[256], owner[64], group[64];
    ULONG length = 0, sd_size = sizeof(back.sd), dacl_size = sizeof(back.dacl), sacl_size = 0,
          owner_size = 64, group_size = 3;
    PSID sid;
    BOOLEAN defaulted;
    make_absolute(&made);
    assert_status(RtlAbsoluteToSelfRelativeSD(&made.sd, relative, &length), STATUS_BUFFER_TOO_SMALL);
    assert_int_equal(length, 20 + 64 + 16 + 12);
    assert_status(RtlAbsoluteToSelfRelativeSD(&made.sd, relative, &length), STATUS_SUCCESS);
    assert_int_equal(RtlLengthSecurityDescriptor(relative), length);
    assert_true(RtlValidRelativeSecurityDescriptor(relative, length,
                                                   OWNER_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION));
    assert_false(RtlValidRelativeSecurityDescriptor(relative, length, SACL_SECURITY_INFORMATION));
    assert_false(RtlValidRelativeSecurityDescriptor(relative, length - 1, 0));
    assert_status(RtlGetOwnerSecurityDescriptor(relative, &sid, &defaulted), STATUS_SUCCESS);
    assert_true(RtlEqualSid(sid, SeExports->SeAliasAdminsSid));
    assert_status(RtlSetOwnerSecurityDescriptor(relative, NULL, FALSE), STATUS_INVALID_SECURITY_DESCR);
    assert_status(RtlAbsoluteToSelfRelativeSD(relative, relative, &length), STATUS_BAD_DESCRIPTOR_FORMAT);
    assert_status(RtlSelfRelativeToAbsoluteSD(relative, &back.sd, &sd_size, (PACL)back.dacl, &dacl_size, NULL,
                                              &sacl_size, owner, &owner_size, group, &group_size),
                  STATUS_BUFFER_TOO_SMALL);
    assert_int_equal(group_size, 12);
    assert_status(RtlSelfRelativeToAbsoluteSD(relative, &back.sd, &sd_size, (PACL)back.dacl, &dacl_size, NULL,
                                              &sacl_size, owner, &owner_size, group, &group_size),
                  STATUS_SUCCESS);
    assert_ptr_equal(back.sd.Owner, owner);
    assert_null(back.sd.Sacl);
    assert_true(RtlEqualSid(group, SeExports->SeLocalSystemSid));
    assert_status(RtlSelfRelativeToAbsoluteSD(&made.sd, &back.sd, &sd_size, NULL, &dacl_size, NULL,
                                              &sacl_size, NULL, &owner_size, NULL, &group_size),
                  STATUS_BAD_DESCRIPTOR_FORMAT);
}

static void capture_copies_what_it_must(void **state)
{
    struct absolute made;
    PSECURITY_DESCRIPTOR captured;
    make_absolute(&made);
    assert_status(SeCaptureSecurityDescriptor(&made.sd, KernelMode, PagedPool, FALSE, &captured),
                  STATUS_SUCCESS);
    assert_ptr_equal(captured, &made.sd);
    assert_status(SeCaptureSecurityDescriptor(NULL, KernelMode, PagedPool, TRUE, &captured), STATUS_SUCCESS);
    assert_null(captured);
    long blocks = world_live_blocks;
    assert_status(SeCaptureSecurityDescriptor(&made.sd, KernelMode, PagedPool, TRUE, &captured),
                  STATUS_SUCCESS);
    assert_true(
        RtlValidRelativeSecurityDescriptor(captured, RtlLengthSecurityDescriptor(captured), 0xF & ~8));
    SeReleaseSecurityDescriptor(captured, KernelMode, TRUE);
    assert_status(SeCaptureSecurityDescriptor(&made.sd, UserMode, PagedPool, TRUE, &captured),
                  STATUS_ACCESS_VIOLATION);
    world_user_high = UINTPTR_MAX;
    assert_status(SeCaptureSecurityDescriptor(&made.sd, UserMode, PagedPool, FALSE, &captured),
                  STATUS_SUCCESS);
    PSECURITY_DESCRIPTOR again;
    assert_status(SeCaptureSecurityDescriptor(captured, UserMode, PagedPool, FALSE, &again),
                  STATUS_SUCCESS); /* relative, too */
    assert_memory_equal(captured, again, RtlLengthSecurityDescriptor(captured));
    SeReleaseSecurityDescriptor(captured, UserMode, FALSE);
    SeReleaseSecurityDescriptor(again, UserMode, FALSE);
    ((ACL *)made.dacl)->AceCount = 40; /* beyond its size */
    assert_status(SeCaptureSecurityDescriptor(&made.sd, UserMode, PagedPool, FALSE, &captured),
                  STATUS_INVALID_SECURITY_DESCR);
    assert_int_equal(world_live_blocks, blocks);
}

static ACL *dacl_of(PSECURITY_DESCRIPTOR sd)
{
    BOOLEAN present, defaulted;
    PACL dacl = NULL;
    RtlGetDaclSecurityDescriptor(sd, &present, &dacl, &defaulted);
    return present ? dacl : NULL;
}

static void sddl_makes_descriptors(void **state)
{
    PSECURITY_DESCRIPTOR sd;
    ACCESS_ALLOWED_ACE *ace;
    assert_status(se_from_sddl(u"D:P(A;;GA;;;SY)(A;OICI;GRGW;;;BA)(D;;0x12F;;;S-1-5-32-546)", &sd),
                  STATUS_SUCCESS);
    assert_true(
        RtlValidRelativeSecurityDescriptor(sd, RtlLengthSecurityDescriptor(sd), DACL_SECURITY_INFORMATION));
    assert_true(((SECURITY_DESCRIPTOR *)sd)->Control & SE_DACL_PROTECTED);
    assert_int_equal(dacl_of(sd)->AceCount, 3);
    assert_status(RtlGetAce(dacl_of(sd), 1, (void **)&ace), STATUS_SUCCESS);
    assert_int_equal(ace->Mask, GENERIC_READ | GENERIC_WRITE);
    assert_int_equal(ace->Header.AceFlags, OBJECT_INHERIT_ACE | CONTAINER_INHERIT_ACE);
    assert_true(RtlEqualSid(&ace->SidStart, SeExports->SeAliasAdminsSid));
    assert_status(RtlGetAce(dacl_of(sd), 2, (void **)&ace), STATUS_SUCCESS);
    assert_int_equal(ace->Header.AceType, ACCESS_DENIED_ACE_TYPE);
    assert_int_equal(ace->Mask, 0x12F);
    mm_free(sd);
    assert_status(se_from_sddl(u"O:BAG:SYD:P", &sd), STATUS_SUCCESS); /* nobody but the kernel */
    assert_int_equal(dacl_of(sd)->AceCount, 0);
    mm_free(sd);
}

static void bad_sddl_is_refused(void **state)
{
    static const WCHAR *const bad[] = {
        u"D:P(A;;GA;;;XX)",
        u"D:P(A;;GA;;;SY",
        u"D:P(A;;QQ;;;SY)",
        u"D:P(X;;GA;;;SY)",
        u"D:P(A;;GA;;;SY)x",
        u"D:P(A;;GA;a;;SY)",
        u"D:P(A;;GA;;;S-1)",
        u"D:P(A;;GA;;;S",
        u"D:P(A;;0x1FFFFFFFF;;;SY)",
        u"O:",
        u"junk",
        u"D:P(A;ZZ;GA;;;SY)",
        u"D:P(",
        u"D:P(A;;GA;;;S-1-5-1-2-3-4-5-6-7-8-9-10-11-12-13-14-15-16)",
    };
    long blocks = world_live_blocks;
    for (unsigned i = 0; i < countof(bad); i++) {
        PSECURITY_DESCRIPTOR sd;
        assert_false(NT_SUCCESS(se_from_sddl(bad[i], &sd)));
        assert_null(sd);
    }
    assert_int_equal(world_live_blocks, blocks);
}

static ACCESS_MASK world_access(ULONG type, ULONG characteristics)
{
    PSECURITY_DESCRIPTOR sd;
    ACCESS_ALLOWED_ACE *ace;
    assert_status(se_default_device_descriptor(type, characteristics, true, &sd), STATUS_SUCCESS);
    for (ULONG i = 0; NT_SUCCESS(RtlGetAce(dacl_of(sd), i, (void **)&ace)); i++)
        if (RtlEqualSid(&ace->SidStart, SeExports->SeWorldSid))
            return ace->Mask;
    return 0;
}

static void devices_have_defaults(void **state)
{
    PSECURITY_DESCRIPTOR sd;
    assert_int_equal(world_access(FILE_DEVICE_UNKNOWN, 0), GENERIC_READ | GENERIC_WRITE | GENERIC_EXECUTE);
    assert_int_equal(world_access(FILE_DEVICE_DISK, 0), GENERIC_EXECUTE);
    assert_int_equal(world_access(FILE_DEVICE_DISK, FILE_REMOVABLE_MEDIA),
                     GENERIC_READ | GENERIC_WRITE | GENERIC_EXECUTE);
    assert_status(se_default_device_descriptor(FILE_DEVICE_UNKNOWN, 0, false, &sd), STATUS_SUCCESS);
    assert_null(dacl_of(sd)); /* DO-07 */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(sids, world_start, world_stop),
        cmocka_unit_test_setup_teardown(sids_as_text, world_start, world_stop),
        cmocka_unit_test_setup_teardown(acls, world_start, world_stop),
        cmocka_unit_test_setup_teardown(parts_are_set_and_read, world_start, world_stop),
        cmocka_unit_test_setup_teardown(forms_convert, world_start, world_stop),
        cmocka_unit_test_setup_teardown(capture_copies_what_it_must, world_start, world_stop),
        cmocka_unit_test_setup_teardown(sddl_makes_descriptors, world_start, world_stop),
        cmocka_unit_test_setup_teardown(bad_sddl_is_refused, world_start, world_stop),
        cmocka_unit_test_setup_teardown(devices_have_defaults, world_start, world_stop),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    if (!failed)
        puts("rules: DO-07 DO-53 DO-54");
    return failed;
}
