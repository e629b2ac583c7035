/* SPDX-License-Identifier: MIT */
/*
 * IPv4 addresses as text. Strict: four decimal parts. Otherwise one to four
 * parts in decimal, octal (0) or hexadecimal (0x), the last filling what is
 * left. Addresses and ports are in network byte order.
 */
#include "rtl/rtl.h"
#include "rtl/crt.h"
#include "rtl/exports.h"
#include "nt/status.h"

#define LONGEST_ADDRESS 22 /* "255.255.255.255:65535" and a terminator */

/* A text of either width. */
struct text {
    const void *at;
    bool wide;
};

static unsigned unit(const struct text *text, size_t i)
{
    return text->wide ? ((const WCHAR *)text->at)[i] : ((const UCHAR *)text->at)[i];
}

/* One number at *i. False if there is none, or it is larger than 32 bits. */
static bool take_number(const struct text *text, size_t *i, bool strict, ULONGLONG *value)
{
    unsigned base = 10, digit;
    if (!strict && unit(text, *i) == '0') {
        base = crt_ascii_lower(unit(text, *i + 1)) == 'x' ? 16 : 8;
        *i += base == 16 ? 2 : 0;
    }
    size_t start = *i;
    for (*value = 0; (digit = crt_digit(unit(text, *i))) < base; ++*i) {
        *value = *value * base + digit;
        if (*value > 0xFFFFFFFF)
            return false;
    }
    return *i > start;
}

/* Reads an address and says where it ended. */
static NTSTATUS parse(const struct text *text, bool strict, size_t *end, ULONG *address)
{
    ULONGLONG parts[4];
    unsigned n = 0;
    size_t i = 0;
    *end = 0;
    while (n < 4) {
        bool good = take_number(text, &i, strict, &parts[n++]);
        *end = i;
        if (!good)
            return STATUS_INVALID_PARAMETER;
        if (unit(text, i) != '.' || n == 4)
            break;
        i++;
    }
    if (strict && n != 4)
        return STATUS_INVALID_PARAMETER;
    ULONGLONG value = 0;
    for (unsigned p = 0; p + 1 < n; p++) {
        if (parts[p] > 255)
            return STATUS_INVALID_PARAMETER;
        value |= parts[p] << (24 - 8 * p);
    }
    if (parts[n - 1] > 0xFFFFFFFFull >> 8 * (n - 1))
        return STATUS_INVALID_PARAMETER;
    *address = __builtin_bswap32((ULONG)(value | parts[n - 1]));
    return STATUS_SUCCESS;
}

/* *Terminator: behind the address, or where it stopped being one. */
EXPORT(ntoskrnl, RtlIpv4StringToAddressA, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
NTSTATUS NTAPI RtlIpv4StringToAddressA(PCSTR S, BOOLEAN Strict, PCSTR *Terminator, PULONG Addr)
{
    size_t end;
    NTSTATUS status = parse(&(struct text){S, false}, Strict, &end, Addr);
    *Terminator = S + end;
    return status;
}

EXPORT(ntoskrnl, RtlIpv4StringToAddressW, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
NTSTATUS NTAPI RtlIpv4StringToAddressW(PCWSTR S, BOOLEAN Strict, PCWSTR *Terminator, PULONG Addr)
{
    size_t end;
    NTSTATUS status = parse(&(struct text){S, true}, Strict, &end, Addr);
    *Terminator = S + end;
    return status;
}

/* Reads "address" or "address:port" and nothing else. */
static NTSTATUS parse_with_port(const struct text *text, bool strict, ULONG *address, PUSHORT port)
{
    size_t i;
    ULONGLONG number = 0;
    NTSTATUS status = parse(text, strict, &i, address);
    if (!NT_SUCCESS(status))
        return status;
    if (unit(text, i) == ':') {
        i++;
        if (!take_number(text, &i, false, &number) || number == 0 || number > 0xFFFF)
            return STATUS_INVALID_PARAMETER;
    }
    if (unit(text, i) != 0)
        return STATUS_INVALID_PARAMETER;
    *port = __builtin_bswap16((USHORT)number);
    return STATUS_SUCCESS;
}

EXPORT(ntoskrnl, RtlIpv4StringToAddressExA, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
NTSTATUS NTAPI RtlIpv4StringToAddressExA(PCSTR AddressString, BOOLEAN Strict, PULONG Address, PUSHORT Port)
{
    if (!AddressString || !Address || !Port)
        return STATUS_INVALID_PARAMETER;
    return parse_with_port(&(struct text){AddressString, false}, Strict, Address, Port);
}

EXPORT(ntoskrnl, RtlIpv4StringToAddressExW, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
NTSTATUS NTAPI RtlIpv4StringToAddressExW(PCWSTR AddressString, BOOLEAN Strict, PULONG Address, PUSHORT Port)
{
    if (!AddressString || !Address || !Port)
        return STATUS_INVALID_PARAMETER;
    return parse_with_port(&(struct text){AddressString, true}, Strict, Address, Port);
}

static int print(char *to, const ULONG *address, USHORT port)
{
    const UCHAR *byte = (const UCHAR *)address;
    int n = crt_sprintf(to, "%u.%u.%u.%u", byte[0], byte[1], byte[2], byte[3]);
    return port ? n + crt_sprintf(to + n, ":%u", __builtin_bswap16(port)) : n;
}

/* S holds 16 characters. Returns the address of the terminator. */
EXPORT(ntoskrnl, RtlIpv4AddressToStringA, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
PSTR NTAPI RtlIpv4AddressToStringA(const ULONG *Addr, PSTR S)
{
    return S + print(S, Addr, 0);
}

EXPORT(ntoskrnl, RtlIpv4AddressToStringW, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
PWSTR NTAPI RtlIpv4AddressToStringW(const ULONG *Addr, PWSTR S)
{
    char text[LONGEST_ADDRESS];
    int n = print(text, Addr, 0);
    crt_swprintf(S, u"%S", text);
    return S + n;
}

/* *length: characters, terminator included, there are and then there must be. Port 0 is left out. */
static NTSTATUS print_checked(const ULONG *address, USHORT port, char *text, const VOID *to, PULONG length)
{
    if (!address || !length || (!to && *length != 0))
        return STATUS_INVALID_PARAMETER;
    ULONG needed = (ULONG)print(text, address, port) + 1, room = *length;
    *length = needed;
    return room < needed ? STATUS_INVALID_PARAMETER : STATUS_SUCCESS;
}

EXPORT(ntoskrnl, RtlIpv4AddressToStringExA, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
NTSTATUS NTAPI RtlIpv4AddressToStringExA(const ULONG *Address, USHORT Port, PSTR AddressString,
                                         PULONG AddressStringLength)
{
    char text[LONGEST_ADDRESS];
    NTSTATUS status = print_checked(Address, Port, text, AddressString, AddressStringLength);
    if (NT_SUCCESS(status))
        crt_strcpy(AddressString, text);
    return status;
}

EXPORT(ntoskrnl, RtlIpv4AddressToStringExW, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
NTSTATUS NTAPI RtlIpv4AddressToStringExW(const ULONG *Address, USHORT Port, PWSTR AddressString,
                                         PULONG AddressStringLength)
{
    char text[LONGEST_ADDRESS];
    NTSTATUS status = print_checked(Address, Port, text, AddressString, AddressStringLength);
    if (NT_SUCCESS(status))
        crt_swprintf(AddressString, u"%S", text);
    return status;
}
