/* SPDX-License-Identifier: MIT */
/*
 * The host boundary by itself: formatting, the contended lock, the simulated
 * clock and generator. No machine is needed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/lock.h"
#include "host/host.h"
#include "nt/status.h"

static NTSTATUS start(bool simulated, uint64_t seed)
{
    return host_init(&(struct host_config){.simulated = simulated, .seed = seed, .cpus = 1});
}

#define same_as_libc(...)                                                                                    \
    do {                                                                                                     \
        char ours_[64], theirs_[64];                                                                         \
        int a_ = host_snprintf(ours_, sizeof ours_, __VA_ARGS__);                                            \
        int b_ = snprintf(theirs_, sizeof theirs_, __VA_ARGS__);                                             \
        assert_string_equal(ours_, theirs_);                                                                 \
        assert_int_equal(a_, b_);                                                                            \
    } while (0)

static void format_matches_libc(void **unused)
{
    (void)unused;
    same_as_libc("%d %i %u", -5, 7, 4000000000u);
    same_as_libc("%5d|%-5d|%05d|%+d|% d", 42, 42, -42, 42, 42);
    same_as_libc("%x %X %#x %08x %#010x", 0xbeefu, 0xBEEFu, 255u, 0x1234u, 0xabu);
    same_as_libc("%.3d|%8.3d|%-8.3d|", 7, 7, -7);
    same_as_libc("%llx %lx %zu", 0x123456789abcdef0ull, 0xfffffffffful, (size_t)99);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat" /* too wide on purpose: the length modifier cuts them */
    same_as_libc("%hx %hhx %hd", 0x12345, 0x12345, 70000);
#pragma GCC diagnostic pop
    same_as_libc("%s|%10s|%-10s|%.2s|%*s", "abc", "abc", "abc", "abc", 6, "z");
    same_as_libc("%c%c %% %o", 'a', 'b', 8u);
    same_as_libc("%p", (void *)0x1234);
    same_as_libc("%d %lld", -2147483647 - 1, -9223372036854775807ll - 1);
}

static void format_cuts_and_counts(void **unused)
{
    (void)unused;
    char small[4];
    assert_int_equal(host_snprintf(small, sizeof small, "%s", "abcdef"), 6);
    assert_string_equal(small, "abc");
    assert_int_equal(host_snprintf(NULL, 0, "%d", 12345), 5);
}

static int format_loose(char *buffer, size_t size, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int n = host_vsnprintf(buffer, size, format, arguments);
    va_end(arguments);
    return n;
}

static void format_takes_nt_wide_strings(void **unused)
{
    (void)unused;
    char text[32];
    format_loose(text, sizeof text, "<%ws|%.2ws|%5ws>", u"a\u00e9\u20ac", u"xyz", u"q");
    assert_string_equal(text, "<a\xc3\xa9\xe2\x82\xac|xy|    q>");
}

static rl_lock lock;
static unsigned long counter;

static void count_under_lock(void *arg)
{
    (void)arg;
    for (int i = 0; i < 200000; i++) {
        rl_lock_acquire(&lock);
        counter++;
        rl_lock_release(&lock);
    }
}

static void lock_excludes_under_contention(void **unused)
{
    (void)unused;
    host_thread *threads[4];
    counter = 0;
    for (unsigned i = 0; i < countof(threads); i++)
        threads[i] = host_thread_create("lock", count_under_lock, NULL);
    for (unsigned i = 0; i < countof(threads); i++)
        host_thread_join(threads[i]);
    assert_int_equal(counter, 800000);
    assert_int_equal(lock.held, 0);
}

static void one_machine_and_valid_configurations(void **unused)
{
    (void)unused;
    assert_int_equal(host_init(&(struct host_config){.cpus = 0}), STATUS_INVALID_PARAMETER);
    assert_int_equal(host_init(&(struct host_config){.cpus = 65}), STATUS_INVALID_PARAMETER);
    assert_int_equal(host_init(&(struct host_config){.cpus = 1, .tick_signal = 3}), STATUS_INVALID_PARAMETER);
    assert_int_equal(start(false, 0), 0);
    assert_int_equal(start(false, 0), STATUS_INVALID_DEVICE_STATE);
    host_fini();
}

static void real_clock_runs(void **unused)
{
    (void)unused;
    assert_int_equal(start(false, 0), 0);
    assert_false(host_simulated());
    uint64_t before = host_counter_ns();
    uint64_t day = 864000000000ull;
    assert_true(host_system_time() > (2020 - 1601) * 365 * day); /* a wall clock, since 1601 */
    while (host_counter_ns() == before)
        ;
    assert_true(host_interrupt_time() < 600000000); /* from 0, not from the host's boot */
    assert_int_equal(host_choose(7), 0);
    host_fini();
}

static void simulated_clock_moves_only_when_told(void **unused)
{
    (void)unused;
    assert_int_equal(start(true, 1), 0);
    assert_true(host_simulated());
    uint64_t system = host_system_time();
    assert_int_equal(host_interrupt_time(), 0);
    host_advance(1234);
    assert_int_equal(host_interrupt_time(), 1234);
    assert_int_equal(host_system_time(), system + 1234);
    assert_int_equal(host_counter_ns(), 123400);
    host_fini();
}

static void draw(uint64_t seed, uint32_t *choices, unsigned count)
{
    assert_int_equal(start(true, seed), 0);
    for (unsigned i = 0; i < count; i++)
        choices[i] = host_choose(i + 1);
    host_fini();
}

static void same_seed_same_choices(void **unused)
{
    (void)unused;
    uint32_t a[64], b[64], c[64];
    draw(42, a, 64);
    draw(42, b, 64);
    draw(43, c, 64);
    assert_memory_equal(a, b, sizeof a);
    assert_memory_not_equal(a, c, sizeof a);
    for (unsigned i = 0; i < 64; i++)
        assert_true(a[i] <= i);
}

static void choices_cover_the_range(void **unused)
{
    (void)unused;
    unsigned seen[5] = {0};
    assert_int_equal(start(true, 7), 0);
    for (int i = 0; i < 5000; i++)
        seen[host_choose(5)]++;
    host_fini();
    for (int i = 0; i < 5; i++)
        assert_in_range(seen[i], 850, 1150);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(format_matches_libc),
        cmocka_unit_test(format_cuts_and_counts),
        cmocka_unit_test(format_takes_nt_wide_strings),
        cmocka_unit_test(lock_excludes_under_contention),
        cmocka_unit_test(one_machine_and_valid_configurations),
        cmocka_unit_test(real_clock_runs),
        cmocka_unit_test(simulated_clock_moves_only_when_told),
        cmocka_unit_test(same_seed_same_choices),
        cmocka_unit_test(choices_cover_the_range),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
