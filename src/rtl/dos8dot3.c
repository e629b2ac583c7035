/* SPDX-License-Identifier: MIT */
/*
 * Short (8.3) file names: whether a name is one, and making one for a long
 * name. The first four made for a name are its first six characters and ~1 to
 * ~4; after that two characters, four digits of a checksum, and ~N.
 */
#include "rtl/rtl.h"
#include "rtl/code_page.h"
#include "rtl/exports.h"
#include "nt/status.h"

#define FAT_LEGAL 1

static bool oem_legal(UCHAR byte)
{
    return byte >= 0x80 || (FsRtlLegalAnsiCharacterArray[byte] & FAT_LEGAL);
}

/* True for . and .. and for N or N.E of 1 to 8 and 1 to 3 legal bytes without a space at the end of either.
 */
static bool is_8dot3(const CHAR *name, size_t length, bool *spaces)
{
    size_t dot = length;
    *spaces = false;
    if ((length == 1 && name[0] == '.') || (length == 2 && name[0] == '.' && name[1] == '.'))
        return true;
    for (size_t i = 0; i < length; i++) {
        *spaces |= name[i] == ' ';
        if (name[i] == '.' && dot < length)
            return false;
        if (name[i] == '.')
            dot = i;
        else if (!oem_legal((UCHAR)name[i]))
            return false;
    }
    if (dot < 1 || dot > 8 || name[dot - 1] == ' ')
        return false;
    return dot == length || (length - dot >= 2 && length - dot <= 4 && name[length - 1] != ' ');
}

/* OemName, if given, receives the upper-case OEM form. NameContainsSpaces counts only if the result is TRUE.
 */
EXPORT(ntoskrnl, RtlIsNameLegalDOS8Dot3, PASSIVE_LEVEL, APC_LEVEL, X_RAISES)
BOOLEAN NTAPI RtlIsNameLegalDOS8Dot3(PCUNICODE_STRING Name, POEM_STRING OemName, PBOOLEAN NameContainsSpaces)
{
    CHAR oem[12];
    bool unmapped = false, spaces;
    size_t length = Name->Length / sizeof(WCHAR);
    if (length == 0 || length > sizeof oem)
        return FALSE;
    rtl_narrow(&rtl_oem, oem, sizeof oem, Name->Buffer, Name->Length, true, &unmapped);
    if (unmapped)
        return FALSE;
    if (OemName && OemName->MaximumLength >= length) {
        __builtin_memcpy(OemName->Buffer, oem, length);
        OemName->Length = (USHORT)length;
    }
    if (!is_8dot3(oem, length, &spaces))
        return FALSE;
    if (NameContainsSpaces)
        *NameContainsSpaces = spaces;
    return TRUE;
}

/* What a character of a long name becomes: 0: dropped. */
static WCHAR short_character(WCHAR c, bool extended)
{
    if (c == ' ' || c == '.' || c < 0x20)
        return 0;
    if (c == ':' || c == ';' || c == ',' || c == '+' || c == '=' || c == '[' || c == ']')
        return '_';
    bool unmapped = false;
    CHAR byte;
    rtl_narrow(&rtl_oem, &byte, 1, &c, sizeof c, true, &unmapped);
    if (unmapped || (c >= 0x7F && !extended))
        return '_';
    return oem_legal((UCHAR)byte) ? rtl_byte_to_wide(&rtl_oem, (UCHAR)byte) : 0;
}

/* Translates [from, to) of the long name until `room` is full; returns how many characters. */
static ULONG shorten(PCUNICODE_STRING name, size_t from, size_t to, bool extended, PWCHAR buffer, ULONG room)
{
    ULONG n = 0;
    for (size_t i = from; i < to && n < room; i++) {
        WCHAR c = short_character(name->Buffer[i], extended);
        if (c)
            buffer[n++] = c;
    }
    return n;
}

static USHORT checksum(PCUNICODE_STRING name)
{
    USHORT sum = 0;
    for (size_t i = 0; i < name->Length / sizeof(WCHAR); i++)
        sum = (USHORT)(sum * 37 + name->Buffer[i]);
    return sum;
}

/* First call for a long name: the parts from which every short name is made. */
static void prepare(PCUNICODE_STRING name, bool extended, PGENERATE_NAME_CONTEXT context)
{
    size_t length = name->Length / sizeof(WCHAR), first = 0, dot = length;
    while (first < length && name->Buffer[first] == '.')
        first++;
    for (size_t i = first; i < length; i++)
        if (name->Buffer[i] == '.')
            dot = i;
    context->NameLength = (UCHAR)shorten(name, first, dot, extended, context->NameBuffer, 6);
    context->ExtensionLength =
        dot < length ? shorten(name, dot + 1, length, extended, context->ExtensionBuffer, 3) : 0;
    context->Checksum = checksum(name);
}

/* From the fifth name on: two characters and the checksum; names of up to two characters have it from the
 * first. */
static void insert_checksum(PGENERATE_NAME_CONTEXT context)
{
    ULONG kept = MIN(context->NameLength, 2);
    for (ULONG i = 0; i < 4; i++)
        context->NameBuffer[kept + i] = "0123456789ABCDEF"[context->Checksum >> (12 - 4 * i) & 15];
    context->NameLength = (UCHAR)(kept + 4);
    context->CheckSumInserted = TRUE;
    context->LastIndexValue = 1;
}

/* Name8dot3->Buffer holds 12 characters. STATUS_FILE_SYSTEM_LIMITATION when a million names were tried. */
EXPORT(ntoskrnl, RtlGenerate8dot3Name, PASSIVE_LEVEL, APC_LEVEL, X_RAISES)
NTSTATUS NTAPI RtlGenerate8dot3Name(PCUNICODE_STRING Name, BOOLEAN AllowExtendedCharacters,
                                    PGENERATE_NAME_CONTEXT Context, PUNICODE_STRING Name8dot3)
{
    if (Context->LastIndexValue == 0)
        prepare(Name, AllowExtendedCharacters, Context);
    Context->LastIndexValue++;
    if (!Context->CheckSumInserted && (Context->LastIndexValue > 4 || Context->NameLength <= 2))
        insert_checksum(Context);
    if (Context->LastIndexValue > 999999)
        return STATUS_FILE_SYSTEM_LIMITATION;
    WCHAR digits[8];
    UNICODE_STRING index = {0, sizeof digits, digits};
    RtlIntegerToUnicodeString(Context->LastIndexValue, 10, &index);
    ULONG suffix = 1 + index.Length / sizeof(WCHAR), kept = MIN(Context->NameLength, 8 - suffix), n = 0;
    PWCHAR to = Name8dot3->Buffer;
    for (ULONG i = 0; i < kept; i++)
        to[n++] = Context->NameBuffer[i];
    to[n++] = '~';
    for (ULONG i = 0; i + 1 < suffix; i++)
        to[n++] = digits[i];
    if (Context->ExtensionLength)
        to[n++] = '.';
    for (ULONG i = 0; i < Context->ExtensionLength; i++)
        to[n++] = Context->ExtensionBuffer[i];
    Name8dot3->Length = (USHORT)(n * sizeof(WCHAR));
    return STATUS_SUCCESS;
}
