/* SPDX-License-Identifier: MIT */
/*
 * The lists of status and bug check codes: ascending, so that a name can be
 * searched for by halves, and each name the name of its value.
 */
#include "layout_test.h"

#include <stdbool.h>

#include "nt/bugcodes.h"
#include "nt/status.h"

struct row {
    const char *name;
    uint32_t listed;
    uint32_t constant;
};

#define ROW(name, value) {#name, (uint32_t)(value), (uint32_t)(name)},
static const struct row statuses[] = {NT_STATUS_LIST(ROW)};
static const struct row bugchecks[] = {NT_BUGCHECK_LIST(ROW)};

static void check_rows(const struct row *rows, size_t count, bool equal_values)
{
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(rows[i].listed, rows[i].constant);
        if (i == 0)
            continue;
        assert_true(rows[i - 1].listed < rows[i].listed ||
                    (equal_values && rows[i - 1].listed == rows[i].listed));
        assert_string_not_equal(rows[i - 1].name, rows[i].name);
    }
}

void test_status_list(void **state)
{
    (void)state;
    check_rows(statuses, sizeof(statuses) / sizeof(statuses[0]), true);
    assert_string_equal(statuses[0].name, "STATUS_SUCCESS");
    _Static_assert(STATUS_ACCESS_DENIED < 0, "an error status is negative");
    _Static_assert(NT_SUCCESS(STATUS_PENDING) && !NT_SUCCESS(STATUS_BUFFER_OVERFLOW),
                   "a warning is no success");
    _Static_assert(NT_WARNING(STATUS_BUFFER_OVERFLOW) && NT_ERROR(STATUS_CANCELLED),
                   "severity is the top two bits");
}

void test_bugcheck_list(void **state)
{
    (void)state;
    check_rows(bugchecks, sizeof(bugchecks) / sizeof(bugchecks[0]), false);
    _Static_assert(DRIVER_VERIFIER_DETECTED_VIOLATION == 0xC4, "0xC4");
    _Static_assert(MULTIPLE_IRP_COMPLETE_REQUESTS == 0x44, "0x44");
}
