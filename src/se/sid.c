/* SPDX-License-Identifier: MIT */
/* Security identifiers: size, validity, comparison, construction, text. */
#include "rtl/rtl.h"
#include "rtl/string_pool.h"
#include "se/internal.h"

bool se_sid_valid(const SID *sid)
{
    return sid && sid->Revision == SID_REVISION && sid->SubAuthorityCount <= SID_MAX_SUB_AUTHORITIES;
}

ULONG se_sid_length(const SID *sid)
{
    return (ULONG)offsetof(SID, SubAuthority) + sid->SubAuthorityCount * (ULONG)sizeof(ULONG);
}

bool se_sid_equal(const SID *a, const SID *b)
{
    return a->Revision == b->Revision && a->SubAuthorityCount == b->SubAuthorityCount &&
           memcmp(a, b, se_sid_length(a)) == 0;
}

EXPORT(ntoskrnl, RtlValidSid, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
BOOLEAN NTAPI RtlValidSid(PSID Sid)
{
    return se_sid_valid(Sid);
}

EXPORT(ntoskrnl, RtlEqualSid, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
BOOLEAN NTAPI RtlEqualSid(PSID Sid1, PSID Sid2)
{
    return se_sid_equal(Sid1, Sid2);
}

EXPORT(ntoskrnl, RtlLengthRequiredSid, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
ULONG NTAPI RtlLengthRequiredSid(ULONG SubAuthorityCount)
{
    return (ULONG)offsetof(SID, SubAuthority) + SubAuthorityCount * (ULONG)sizeof(ULONG);
}

EXPORT(ntoskrnl, RtlLengthSid, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
ULONG NTAPI RtlLengthSid(PSID Sid)
{
    return se_sid_length(Sid);
}

/* The sub-authorities are left to the caller (RtlSubAuthoritySid). */
EXPORT(ntoskrnl, RtlInitializeSid, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
NTSTATUS NTAPI RtlInitializeSid(PSID Sid, PSID_IDENTIFIER_AUTHORITY IdentifierAuthority,
                                UCHAR SubAuthorityCount)
{
    SID *sid = Sid;
    if (SubAuthorityCount > SID_MAX_SUB_AUTHORITIES)
        return STATUS_INVALID_PARAMETER;
    sid->Revision = SID_REVISION;
    sid->SubAuthorityCount = SubAuthorityCount;
    sid->IdentifierAuthority = *IdentifierAuthority;
    return STATUS_SUCCESS;
}

EXPORT(ntoskrnl, RtlSubAuthoritySid, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
PULONG NTAPI RtlSubAuthoritySid(PSID Sid, ULONG SubAuthority)
{
    return &((SID *)Sid)->SubAuthority[SubAuthority];
}

EXPORT(ntoskrnl, RtlSubAuthorityCountSid, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
PUCHAR NTAPI RtlSubAuthorityCountSid(PSID Sid)
{
    return &((SID *)Sid)->SubAuthorityCount;
}

EXPORT(ntoskrnl, RtlCopySid, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
NTSTATUS NTAPI RtlCopySid(ULONG DestinationSidLength, PSID DestinationSid, PSID SourceSid)
{
    ULONG length = se_sid_length(SourceSid);
    if (DestinationSidLength < length)
        return STATUS_BUFFER_TOO_SMALL;
    memmove(DestinationSid, SourceSid, length);
    return STATUS_SUCCESS;
}

/* ---- text ---- */

struct sid_text {
    WCHAR buffer[256];
    unsigned length;
};

static void put_digits(struct sid_text *text, uint64_t value, unsigned base)
{
    WCHAR digits[24];
    unsigned count = 0;
    do
        digits[count++] = u"0123456789ABCDEF"[value % base];
    while (value /= base);
    while (count)
        text->buffer[text->length++] = digits[--count];
}

static void put_sid(struct sid_text *text, const SID *sid)
{
    uint64_t authority = 0;
    for (int i = 0; i < 6; i++)
        authority = authority << 8 | sid->IdentifierAuthority.Value[i];
    text->length = 0;
    text->buffer[text->length++] = 'S';
    text->buffer[text->length++] = '-';
    put_digits(text, sid->Revision, 10);
    text->buffer[text->length++] = '-';
    if (authority > 0xFFFFFFFF) {
        text->buffer[text->length++] = '0';
        text->buffer[text->length++] = 'x';
        put_digits(text, authority, 16);
    } else {
        put_digits(text, authority, 10);
    }
    for (unsigned i = 0; i < sid->SubAuthorityCount; i++) {
        text->buffer[text->length++] = '-';
        put_digits(text, sid->SubAuthority[i], 10);
    }
}

/* The text is terminated where there is room. The caller frees an allocated one with RtlFreeUnicodeString. */
EXPORT(ntoskrnl, RtlConvertSidToUnicodeString, PASSIVE_LEVEL, PASSIVE_LEVEL, X_PLAIN)
NTSTATUS NTAPI RtlConvertSidToUnicodeString(PUNICODE_STRING UnicodeString, PSID Sid,
                                            BOOLEAN AllocateDestinationString)
{
    struct sid_text text;
    if (!se_sid_valid(Sid))
        return STATUS_INVALID_SID;
    put_sid(&text, Sid);
    USHORT bytes = (USHORT)(text.length * sizeof(WCHAR));
    if (AllocateDestinationString) {
        UnicodeString->Buffer = rtl_string_allocate(bytes + sizeof(WCHAR), __builtin_return_address(0));
        if (!UnicodeString->Buffer)
            return STATUS_NO_MEMORY;
        UnicodeString->MaximumLength = (USHORT)(bytes + sizeof(WCHAR));
    } else if (UnicodeString->MaximumLength < bytes) {
        return STATUS_BUFFER_OVERFLOW;
    }
    memcpy(UnicodeString->Buffer, text.buffer, bytes);
    UnicodeString->Length = bytes;
    if (UnicodeString->MaximumLength >= bytes + sizeof(WCHAR))
        UnicodeString->Buffer[text.length] = 0;
    return STATUS_SUCCESS;
}
