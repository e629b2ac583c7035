/* SPDX-License-Identifier: MIT */
/*
 * Security descriptors as text: the subset for device objects, "D:P" followed
 * by (A;flags;rights;;;SID), with O: and G: before it. A parser of outside
 * input: every character is looked at once, nothing is trusted.
 */
#include "rtl/rtl.h"
#include "se/internal.h"

struct text {
    const WCHAR *at;
};

static bool skip(struct text *text, const char *expected)
{
    const WCHAR *at = text->at;
    for (; *expected; expected++, at++)
        if (rtl_upcase(*at) != (WCHAR)*expected)
            return false;
    text->at = at;
    return true;
}

static int digit(WCHAR c, unsigned base)
{
    WCHAR upper = rtl_upcase(c);
    unsigned value = 99;
    if (c >= '0' && c <= '9')
        value = (unsigned)(c - '0');
    else if (upper >= 'A' && upper <= 'F')
        value = (unsigned)(upper - 'A') + 10;
    return value < base ? (int)value : -1;
}

/* False: no digits, or more than fits. */
static bool parse_number(struct text *text, uint64_t limit, uint64_t *value)
{
    unsigned base = 10;
    if (text->at[0] == '0' && (text->at[1] == 'x' || text->at[1] == 'X')) {
        base = 16;
        text->at += 2;
    }
    if (digit(*text->at, base) < 0)
        return false;
    for (*value = 0; digit(*text->at, base) >= 0; text->at++) {
        *value = *value * base + (unsigned)digit(*text->at, base);
        if (*value > limit)
            return false;
    }
    return true;
}

struct sid_storage {
    SID sid;
    ULONG more[SID_MAX_SUB_AUTHORITIES - 1];
};

/* S-1-authority-sub-... */
static bool parse_literal_sid(struct text *text, struct sid_storage *storage)
{
    uint64_t value;
    if (!skip(text, "S-1-") || !parse_number(text, 0xFFFFFFFFFFFF, &value))
        return false;
    storage->sid.Revision = SID_REVISION;
    storage->sid.SubAuthorityCount = 0;
    for (int i = 5; i >= 0; i--, value >>= 8)
        storage->sid.IdentifierAuthority.Value[i] = (UCHAR)value;
    ULONG *sub = (ULONG *)((char *)storage + offsetof(SID, SubAuthority));
    while (*text->at == '-') {
        text->at++;
        if (storage->sid.SubAuthorityCount == SID_MAX_SUB_AUTHORITIES ||
            !parse_number(text, 0xFFFFFFFF, &value))
            return false;
        sub[storage->sid.SubAuthorityCount++] = (ULONG)value;
    }
    return true;
}

static const SID *parse_sid(struct text *text, struct sid_storage *storage)
{
    if (text->at[0] && text->at[1] == '-')
        return parse_literal_sid(text, storage) ? &storage->sid : NULL;
    const SID *sid =
        text->at[0] && text->at[1] ? se_sid_of_alias(rtl_upcase(text->at[0]), rtl_upcase(text->at[1])) : NULL;
    if (sid)
        text->at += 2;
    return sid;
}

static bool parse_rights(struct text *text, ACCESS_MASK *mask)
{
    static const struct {
        char name[3];
        ACCESS_MASK mask;
    } rights[] = {
        {"GA", GENERIC_ALL},       {"GR", GENERIC_READ},       {"GW", GENERIC_WRITE},
        {"GX", GENERIC_EXECUTE},   {"RC", READ_CONTROL},       {"SD", DELETE},
        {"WD", WRITE_DAC},         {"WO", WRITE_OWNER},        {"FA", FILE_ALL_ACCESS},
        {"FR", FILE_GENERIC_READ}, {"FW", FILE_GENERIC_WRITE}, {"FX", FILE_GENERIC_EXECUTE},
        {"KA", KEY_ALL_ACCESS},    {"KR", KEY_READ},           {"KW", KEY_WRITE},
        {"KX", KEY_EXECUTE},
    };
    uint64_t number;
    *mask = 0;
    if (digit(*text->at, 10) >= 0) {
        bool fine = parse_number(text, 0xFFFFFFFF, &number);
        *mask = fine ? (ACCESS_MASK)number : 0;
        return fine;
    }
    while (*text->at && *text->at != ';') {
        unsigned i = 0;
        while (i < countof(rights) && !skip(text, rights[i].name))
            i++;
        if (i == countof(rights))
            return false;
        *mask |= rights[i].mask;
    }
    return true;
}

static bool parse_ace_flags(struct text *text, UCHAR *flags)
{
    static const struct {
        char name[3];
        UCHAR flag;
    } table[] = {
        {"OI", OBJECT_INHERIT_ACE},    {"CI", CONTAINER_INHERIT_ACE}, {"NP", NO_PROPAGATE_INHERIT_ACE},
        {"IO", INHERIT_ONLY_ACE},      {"ID", INHERITED_ACE},         {"SA", SUCCESSFUL_ACCESS_ACE_FLAG},
        {"FA", FAILED_ACCESS_ACE_FLAG}};
    *flags = 0;
    while (*text->at && *text->at != ';') {
        unsigned i = 0;
        while (i < countof(table) && !skip(text, table[i].name))
            i++;
        if (i == countof(table))
            return false;
        *flags |= table[i].flag;
    }
    return true;
}

/* (type;flags;rights;object;inherited object;sid): the two GUIDs must be empty. */
static NTSTATUS parse_ace(struct text *text, ACL *acl)
{
    struct sid_storage storage;
    UCHAR flags, type = ACCESS_ALLOWED_ACE_TYPE;
    ACCESS_MASK mask;
    if (skip(text, "(D;"))
        type = ACCESS_DENIED_ACE_TYPE;
    else if (!skip(text, "(A;"))
        return STATUS_INVALID_ACL;
    if (!parse_ace_flags(text, &flags) || !skip(text, ";") || !parse_rights(text, &mask) ||
        !skip(text, ";;;"))
        return STATUS_INVALID_ACL;
    const SID *sid = parse_sid(text, &storage);
    if (!sid)
        return STATUS_INVALID_SID;
    if (!skip(text, ")"))
        return STATUS_INVALID_ACL;
    return se_acl_append(acl, ACL_REVISION, type, flags, mask, sid);
}

static SECURITY_DESCRIPTOR_CONTROL parse_dacl_flags(struct text *text)
{
    SECURITY_DESCRIPTOR_CONTROL control = SE_DACL_PRESENT;
    for (;;) {
        if (skip(text, "AI"))
            control |= SE_DACL_AUTO_INHERITED;
        else if (skip(text, "AR"))
            control |= SE_DACL_AUTO_INHERIT_REQ;
        else if (skip(text, "P"))
            control |= SE_DACL_PROTECTED;
        else
            return control;
    }
}

static ULONG count_aces(const WCHAR *text)
{
    ULONG count = 0;
    for (; *text; text++)
        count += *text == '(';
    return count;
}

static NTSTATUS parse_dacl(struct text *text, struct se_parts *parts, ACL **dacl)
{
    if (!skip(text, "D:"))
        return STATUS_SUCCESS;
    parts->control |= parse_dacl_flags(text);
    ULONG room = (ULONG)sizeof(ACL) + count_aces(text->at) * ((ULONG)offsetof(ACCESS_ALLOWED_ACE, SidStart) +
                                                              SECURITY_MAX_SID_SIZE);
    if (room > 0xFFFC)
        return STATUS_INVALID_ACL;
    *dacl = mm_alloc(room, SE_TAG);
    if (!*dacl)
        return STATUS_INSUFFICIENT_RESOURCES;
    **dacl = (ACL){.AclRevision = ACL_REVISION, .AclSize = (USHORT)room};
    parts->dacl = *dacl;
    NTSTATUS status = STATUS_SUCCESS;
    while (*text->at == '(' && NT_SUCCESS(status))
        status = parse_ace(text, *dacl);
    return status;
}

static void shrink(ACL *acl)
{
    ULONG size = sizeof(*acl);
    for (ACE_HEADER *ace = se_ace_first(acl); ace; ace = se_ace_next(acl, ace))
        size += ace->AceSize;
    acl->AclSize = (USHORT)size;
}

/*
 * A self-relative descriptor in mm_alloc memory. STATUS_INVALID_ACL, _SID, _SECURITY_DESCR say what is wrong.
 * Rules: DO-54.
 */
NTSTATUS se_from_sddl(const WCHAR *sddl, PSECURITY_DESCRIPTOR *descriptor)
{
    struct text text = {sddl};
    struct se_parts parts = {0};
    struct sid_storage owner, group;
    ACL *dacl = NULL;
    *descriptor = NULL;
    if (skip(&text, "O:") && !(parts.owner = parse_sid(&text, &owner)))
        return STATUS_INVALID_SID;
    if (skip(&text, "G:") && !(parts.group = parse_sid(&text, &group)))
        return STATUS_INVALID_SID;
    NTSTATUS status = STATUS_SUCCESS;
    /* DO-54: "D:P", then one (A;;access;;;SID) after the other. */
    status = parse_dacl(&text, &parts, &dacl);
    if (NT_SUCCESS(status) && *text.at)
        status = STATUS_INVALID_SECURITY_DESCR;
    if (NT_SUCCESS(status) && dacl)
        shrink(dacl);
    if (NT_SUCCESS(status))
        status = se_make_relative(&parts, descriptor);
    if (dacl)
        mm_free(dacl);
    return status;
}
