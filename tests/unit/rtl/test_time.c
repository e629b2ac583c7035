/* SPDX-License-Identifier: MIT */
/* Broken-down time, seconds; versions; random numbers. */
#include "rtl_test.h"
#include "base/version.h"

static LARGE_INTEGER time_of(CSHORT year, CSHORT month, CSHORT day, CSHORT hour)
{
    TIME_FIELDS f = {year, month, day, hour, 0, 0, 0, 0};
    LARGE_INTEGER t;
    assert_true(RtlTimeFieldsToTime(&f, &t));
    return t;
}

static void known_times(void **state)
{
    assert_int_equal(time_of(1601, 1, 1, 0).QuadPart, 0);
    assert_int_equal(time_of(1970, 1, 1, 0).QuadPart, 116444736000000000);
    assert_int_equal(time_of(2000, 3, 1, 0).QuadPart, 125963424000000000);
    LARGE_INTEGER t = {.QuadPart = 131277240065870000}; /* 2017-01-01 06:00:06.587, a Sunday */
    TIME_FIELDS f;
    RtlTimeToTimeFields(&t, &f);
    assert_memory_equal(&f, (&(TIME_FIELDS){2017, 1, 1, 6, 0, 6, 587, 0}), sizeof f);
}

static void every_day_there_and_back(void **state)
{
    TIME_FIELDS last = {1600, 12, 31, 0, 0, 0, 0, 0};
    for (int day = 0; day < 146097 * 2 + 1000; day++) {
        LARGE_INTEGER t = {.QuadPart = day * 864000000000ll + 863999999999ll}, back;
        TIME_FIELDS f;
        RtlTimeToTimeFields(&t, &f);
        assert_true(RtlTimeFieldsToTime(&f, &back));
        assert_int_equal(back.QuadPart, t.QuadPart / 10000 * 10000);
        assert_int_equal(f.Weekday, (last.Weekday + 1) % 7);
        bool new_year = f.Year == last.Year + 1 && f.Month == 1 && f.Day == 1;
        bool new_month = f.Year == last.Year && f.Month == last.Month + 1 && f.Day == 1;
        assert_true(new_year || new_month || (f.Month == last.Month && f.Day == last.Day + 1));
        last = f;
    }
}

static void fields_out_of_range(void **state)
{
    static const TIME_FIELDS bad[] = {
        {1600, 1, 1},     {2001, 0, 1},        {2001, 13, 1},          {2001, 1, 0},
        {2001, 1, 32},    {2001, 2, 29},       {1900, 2, 29},          {2001, 4, 31},
        {2001, 1, 1, 24}, {2001, 1, 1, 0, 60}, {2001, 1, 1, 0, 0, 60}, {2001, 1, 1, 0, 0, 0, 1000},
        {2001, 1, 1, -1}, {30828, 1, 1}};
    LARGE_INTEGER t = {.QuadPart = 5};
    for (size_t i = 0; i < countof(bad); i++)
        assert_false(RtlTimeFieldsToTime((TIME_FIELDS *)&bad[i], &t));
    assert_int_equal(t.QuadPart, 5);
    TIME_FIELDS leap = {2000, 2, 29, 0, 0, 0, 0, 99};
    assert_true(RtlTimeFieldsToTime(&leap, &t));
}

static void seconds(void **state)
{
    LARGE_INTEGER t = time_of(1970, 1, 2, 0), before = time_of(1969, 12, 31, 23),
                  late = time_of(2120, 1, 1, 0);
    ULONG s;
    assert_true(RtlTimeToSecondsSince1970(&t, &s));
    assert_int_equal(s, 86400);
    assert_false(RtlTimeToSecondsSince1980(&t, &s));
    assert_false(RtlTimeToSecondsSince1970(&before, &s));
    assert_false(RtlTimeToSecondsSince1970(&late, &s));
    RtlSecondsSince1970ToTime(86400, &t);
    assert_int_equal(t.QuadPart, time_of(1970, 1, 2, 0).QuadPart);
    RtlSecondsSince1980ToTime(3600, &t);
    assert_int_equal(t.QuadPart, time_of(1980, 1, 1, 1).QuadPart);
    assert_true(RtlTimeToSecondsSince1980(&t, &s));
    assert_int_equal(s, 3600);
    LARGE_INTEGER local;
    assert_int_equal(RtlSystemTimeToLocalTime(&t, &local), STATUS_SUCCESS);
    assert_int_equal(local.QuadPart, t.QuadPart);
    assert_int_equal(RtlLocalTimeToSystemTime(&late, &local), STATUS_SUCCESS);
    assert_int_equal(local.QuadPart, late.QuadPart);
}

static void version_structures(void **state)
{
    RTL_OSVERSIONINFOEXW v;
    memset(&v, 0xCC, sizeof v);
    v.dwOSVersionInfoSize = sizeof(RTL_OSVERSIONINFOW);
    assert_int_equal(RtlGetVersion((PRTL_OSVERSIONINFOW)&v), STATUS_SUCCESS);
    assert_int_equal(v.dwMajorVersion, 10);
    assert_int_equal(v.dwBuildNumber, NT_VERSION_BUILD);
    assert_int_equal(v.dwPlatformId, 2);
    assert_int_equal(v.szCSDVersion[0], 0);
    assert_int_equal(v.wProductType, 0xCC);
    v.dwOSVersionInfoSize = sizeof v;
    assert_int_equal(RtlGetVersion((PRTL_OSVERSIONINFOW)&v), STATUS_SUCCESS);
    assert_int_equal(v.dwOSVersionInfoSize, sizeof v);
    assert_int_equal(v.wProductType, VER_NT_WORKSTATION);
    assert_int_equal(v.wServicePackMajor, 0);
}

static NTSTATUS verify(ULONG major, ULONG minor, ULONG build, ULONG types, UCHAR condition)
{
    RTL_OSVERSIONINFOEXW v = {.dwMajorVersion = major,
                              .dwMinorVersion = minor,
                              .dwBuildNumber = build,
                              .wSuiteMask = 0x10,
                              .wProductType = VER_NT_WORKSTATION,
                              .wServicePackMajor = 1};
    ULONGLONG mask = 0;
    for (ULONG type = 1; type <= 0x80; type <<= 1)
        if (types & type)
            mask = VerSetConditionMask(mask, type, condition);
    return RtlVerifyVersionInfo(&v, types, mask);
}

static void version_conditions(void **state)
{
    enum {
        MAJOR = VER_MAJORVERSION,
        MINOR = VER_MINORVERSION,
        BUILD = VER_BUILDNUMBER,
        SP = VER_SERVICEPACKMAJOR
    };
    assert_int_equal(verify(10, 0, 0, MAJOR | MINOR, VER_EQUAL), STATUS_SUCCESS);
    assert_int_equal(verify(6, 3, 0, MAJOR | MINOR | SP, VER_GREATER_EQUAL), STATUS_SUCCESS);
    assert_int_equal(verify(6, 3, 0, MAJOR | MINOR, VER_LESS), STATUS_REVISION_MISMATCH);
    assert_int_equal(verify(11, 0, 0, MAJOR | MINOR, VER_LESS_EQUAL), STATUS_SUCCESS);
    assert_int_equal(verify(10, 0, 0, MAJOR | MINOR | SP, VER_GREATER_EQUAL), STATUS_REVISION_MISMATCH);
    assert_int_equal(verify(10, 0, 0, MAJOR, VER_GREATER), STATUS_REVISION_MISMATCH);
    assert_int_equal(verify(0, 0, 19041, BUILD, VER_GREATER), STATUS_SUCCESS);
    assert_int_equal(verify(10, 0, 22000, MAJOR | BUILD, VER_GREATER_EQUAL), STATUS_REVISION_MISMATCH);
    assert_int_equal(verify(0, 0, 0, VER_PRODUCT_TYPE, VER_EQUAL), STATUS_SUCCESS);
    assert_int_equal(verify(0, 0, 0, VER_SUITENAME, VER_AND), STATUS_SUCCESS);
    assert_int_equal(verify(0, 0, 0, VER_SUITENAME, VER_OR), STATUS_SUCCESS);
    assert_int_equal(verify(0, 0, 0, VER_SUITENAME, VER_EQUAL), STATUS_INVALID_PARAMETER);
    assert_int_equal(verify(0, 0, 0, MAJOR, VER_AND), STATUS_INVALID_PARAMETER);
    assert_int_equal(verify(0, 0, 0, 0, VER_EQUAL), STATUS_INVALID_PARAMETER);
    assert_int_equal(VerSetConditionMask(0, VER_MAJORVERSION, VER_GREATER_EQUAL), 3 << 3);
    assert_int_equal(VerSetConditionMask(5, 0, VER_GREATER_EQUAL), 5);
    assert_true(RtlIsNtDdiVersionAvailable(0x06010000) && RtlIsNtDdiVersionAvailable(0x0A000000));
    assert_false(RtlIsNtDdiVersionAvailable(0x0B000000));
    assert_true(RtlIsServicePackVersionInstalled(0x0A000000));
    assert_false(RtlIsServicePackVersionInstalled(0x06010000));
}

static void random_numbers(void **state)
{
    ULONG a = 1, b = 1, seed = 12345;
    int counts[16] = {0};
    for (int i = 0; i < 1000; i++)
        assert_int_equal(RtlRandomEx(&a), RtlRandomEx(&b));
    for (int i = 0; i < 16000; i++) {
        ULONG r = RtlRandom(&seed);
        assert_true(r <= INT32_MAX - 1);
        counts[r >> 27]++;
    }
    for (int i = 0; i < 16; i++)
        assert_in_range(counts[i], 800, 1200);
    a = b = 0;
    assert_int_equal(RtlUniform(&a), 0x7FFFFFC3);
    assert_int_equal(a, 0x7FFFFFC3);
}

int test_time(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_times),         cmocka_unit_test(every_day_there_and_back),
        cmocka_unit_test(fields_out_of_range), cmocka_unit_test(seconds),
        cmocka_unit_test(version_structures),  cmocka_unit_test(version_conditions),
        cmocka_unit_test(random_numbers),
    };
    return cmocka_run_group_tests_name("time, version, random", tests, NULL, NULL);
}
