/* SPDX-License-Identifier: MIT */
/* Integers and GUIDs in counted strings. */
#include "rtl_test.h"

static ULONG parsed(PUNICODE_STRING text, ULONG base)
{
    ULONG value = 0xDEAD;
    assert_int_equal(RtlUnicodeStringToInteger(text, base, &value), STATUS_SUCCESS);
    return value;
}

/* The examples of the documentation, and the prefixes. */
static void integers_from_strings(void **state)
{
    assert_int_equal(parsed(U(u"123"), 10), 123);
    assert_int_equal(parsed(U(u"-345"), 10), (ULONG)-345);
    assert_int_equal(parsed(U(u"xyz"), 10), 0);
    assert_int_equal(parsed(U(u"+678abc"), 10), 678);
    assert_int_equal(parsed(U(u"+678abc"), 16), 6785724);
    assert_int_equal(parsed(U(u"007"), 10), 7);
    assert_int_equal(parsed(U(u"789"), 8), 7);
    assert_int_equal(parsed(U(u"FGH"), 16), 15);
    assert_int_equal(parsed(U(u" "), 10), 0);
    assert_int_equal(parsed(U(u" \t0x1F"), 0), 31);
    assert_int_equal(parsed(U(u"0o17"), 0), 15);
    assert_int_equal(parsed(U(u"0b101"), 0), 5);
    assert_int_equal(parsed(U(u"017"), 0), 17);
    ULONG value;
    assert_int_equal(RtlUnicodeStringToInteger(U(u""), 10, &value), STATUS_INVALID_PARAMETER);
    assert_int_equal(RtlUnicodeStringToInteger(U(u"1"), 7, &value), STATUS_INVALID_PARAMETER);
    assert_int_equal(RtlCharToInteger("-0x10", 0, &value), STATUS_SUCCESS);
    assert_int_equal(value, (ULONG)-16);
    assert_int_equal(RtlCharToInteger("0", 0, &value), STATUS_SUCCESS);
    assert_int_equal(value, 0);
    assert_int_equal(RtlCharToInteger("1", 3, &value), STATUS_INVALID_PARAMETER);
    UNICODE_STRING cut = {4, 6, u"123"};
    assert_int_equal(parsed(&cut, 10), 12);
}

static void integers_to_strings(void **state)
{
    WCHAR b[65];
    UNICODE_STRING to = {0, 8, b};
    assert_int_equal(RtlIntegerToUnicodeString(0xABC, 16, &to), STATUS_SUCCESS);
    assert_int_equal(to.Length, 6);
    assert_wide(b, u"ABC");
    assert_int_equal(RtlIntegerToUnicodeString(1234, 0, &to), STATUS_SUCCESS);
    assert_int_equal(to.Length, 8);
    assert_int_equal(RtlIntegerToUnicodeString(12345, 10, &to), STATUS_BUFFER_OVERFLOW);
    assert_int_equal(RtlIntegerToUnicodeString(1, 3, &to), STATUS_INVALID_PARAMETER);
    assert_int_equal(RtlIntegerToUnicodeString(0, 8, &to), STATUS_SUCCESS);
    assert_wide(b, u"0");
    to.MaximumLength = sizeof b;
    assert_int_equal(RtlInt64ToUnicodeString(UINT64_MAX, 2, &to), STATUS_SUCCESS);
    assert_int_equal(to.Length, 128);
    assert_int_equal(RtlInt64ToUnicodeString(10000000000, 10, &to), STATUS_SUCCESS);
    assert_wide(b, u"10000000000");
}

static void guids(void **state)
{
    static const GUID guid = {0x12345678, 0x9ABC, 0xDEF0, {0x01, 0x23, 0x45, 0x67, 0x89, 0xAB, 0xCD, 0xEF}};
    UNICODE_STRING text;
    GUID back = {0};
    assert_int_equal(RtlStringFromGUID(&guid, &text), STATUS_SUCCESS);
    assert_wide(text.Buffer, u"{12345678-9ABC-DEF0-0123-456789ABCDEF}");
    assert_int_equal(text.Length, 76);
    assert_int_equal(text.MaximumLength, 78);
    assert_int_equal(RtlGUIDFromString(&text, &back), STATUS_SUCCESS);
    assert_memory_equal(&back, &guid, sizeof guid);
    RtlFreeUnicodeString(&text);
    assert_int_equal(fake_pool_blocks, 0);
    fake_pool_failures = 1;
    assert_int_equal(RtlStringFromGUID(&guid, &text), STATUS_NO_MEMORY);
    assert_int_equal(RtlGUIDFromString(U(u"{12345678-9abc-def0-0123-456789abcdef}"), &back), STATUS_SUCCESS);
    PUNICODE_STRING bad[] = {
        U(u"12345678-9ABC-DEF0-0123-456789ABCDEF"),   U(u"{12345678-9ABC-DEF0-0123-456789ABCDEF"),
        U(u"{1234567-89ABC-DEF0-0123-456789ABCDEF}"), U(u"{12345678-9ABC-DEF0-0123-456789ABCDEG}"),
        U(u"{12345678-9ABC-DEF0-0123-456789ABCDEF)"), U(u"")};
    back = (GUID){7};
    for (size_t i = 0; i < countof(bad); i++)
        assert_int_equal(RtlGUIDFromString(bad[i], &back), STATUS_INVALID_PARAMETER);
    assert_int_equal(back.Data1, 7);
}

static ULONG address_of(const char *text, BOOLEAN strict, NTSTATUS expected, char stopped_at)
{
    ULONG address = 0;
    const char *end;
    assert_int_equal(RtlIpv4StringToAddressA(text, strict, &end, &address), expected);
    assert_int_equal(*end, stopped_at);
    return __builtin_bswap32(address);
}

static void ipv4_addresses_from_text(void **state)
{
    assert_int_equal(address_of("192.168.1.2", TRUE, STATUS_SUCCESS, 0), 0xC0A80102);
    assert_int_equal(address_of("192.168.1.2/24", TRUE, STATUS_SUCCESS, '/'), 0xC0A80102);
    assert_int_equal(address_of("10.1", FALSE, STATUS_SUCCESS, 0), 0x0A000001);
    assert_int_equal(address_of("0x7f.010.65535", FALSE, STATUS_SUCCESS, 0), 0x7F08FFFF);
    assert_int_equal(address_of("4294967295", FALSE, STATUS_SUCCESS, 0), 0xFFFFFFFF);
    address_of("10.1", TRUE, STATUS_INVALID_PARAMETER, 0);
    address_of("256.1.1.1", TRUE, STATUS_INVALID_PARAMETER, 0);
    address_of("1.2.3.x", TRUE, STATUS_INVALID_PARAMETER, 'x');
    address_of("99999999999", FALSE, STATUS_INVALID_PARAMETER, '9');
    ULONG address;
    USHORT port;
    const WCHAR *end;
    assert_int_equal(RtlIpv4StringToAddressW(u"1.2.3.4", TRUE, &end, &address), STATUS_SUCCESS);
    assert_int_equal(*end, 0);
    assert_int_equal(RtlIpv4StringToAddressExA("1.2.3.4:80", TRUE, &address, &port), STATUS_SUCCESS);
    assert_int_equal(port, 0x5000);
    assert_int_equal(RtlIpv4StringToAddressExW(u"1.2.3.4", TRUE, &address, &port), STATUS_SUCCESS);
    assert_int_equal(port, 0);
    assert_int_equal(RtlIpv4StringToAddressExA("1.2.3.4:99999", TRUE, &address, &port),
                     STATUS_INVALID_PARAMETER);
    assert_int_equal(RtlIpv4StringToAddressExA("1.2.3.4x", TRUE, &address, &port), STATUS_INVALID_PARAMETER);
    assert_int_equal(RtlIpv4StringToAddressExW(NULL, TRUE, &address, &port), STATUS_INVALID_PARAMETER);
}

static void ipv4_addresses_to_text(void **state)
{
    ULONG address = __builtin_bswap32(0xC0A80102), length = 22;
    char text[22];
    WCHAR wide[22];
    assert_ptr_equal(RtlIpv4AddressToStringA(&address, text), text + 11);
    assert_string_equal(text, "192.168.1.2");
    assert_ptr_equal(RtlIpv4AddressToStringW(&address, wide), wide + 11);
    assert_wide(wide, u"192.168.1.2");
    assert_int_equal(RtlIpv4AddressToStringExA(&address, 0x5000, text, &length), STATUS_SUCCESS);
    assert_string_equal(text, "192.168.1.2:80");
    assert_int_equal(length, 15);
    length = 14;
    assert_int_equal(RtlIpv4AddressToStringExW(&address, 0x5000, wide, &length), STATUS_INVALID_PARAMETER);
    assert_int_equal(length, 15);
    assert_int_equal(RtlIpv4AddressToStringExW(&address, 0x5000, wide, &length), STATUS_SUCCESS);
    assert_wide(wide, u"192.168.1.2:80");
    assert_int_equal(RtlIpv4AddressToStringExW(NULL, 0, wide, &length), STATUS_INVALID_PARAMETER);
}

static void small_routines(void **state)
{
    assert_int_equal(RtlComputeCrc32(0, "123456789", 9), 0xCBF43926);
    assert_int_equal(RtlComputeCrc32(RtlComputeCrc32(0, "1234", 4), "56789", 5), 0xCBF43926);
    assert_true(RtlCompareAltitudes(U(u"100"), U(u"99")) > 0 &&
                RtlCompareAltitudes(U(u"0100"), U(u"100.0")) == 0);
    assert_true(RtlCompareAltitudes(U(u"100.5"), U(u"100.45")) > 0 &&
                RtlCompareAltitudes(U(u"1"), U(u"1.1")) < 0);
    LUID from = {1, 2}, to = {0};
    RtlCopyLuid(&to, &from);
    assert_memory_equal(&to, &from, sizeof to);
}

int test_integer(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_from_strings),
        cmocka_unit_test(integers_to_strings),
        cmocka_unit_test(guids),
        cmocka_unit_test(ipv4_addresses_from_text),
        cmocka_unit_test(ipv4_addresses_to_text),
        cmocka_unit_test(small_routines),
    };
    return cmocka_run_group_tests_name("integer", tests, NULL, NULL);
}
