/* SPDX-License-Identifier: MIT */
/* Names of statuses, bug check codes and major functions, for reports and traces. */
#include "rtl/rtl.h"
#include "nt/bugcodes.h"
#include "nt/status.h"

struct name {
    ULONG value;
    const char *text;
};

#define NAME(name_, value_) {(ULONG)(value_), #name_},

/* Both lists are in ascending order; of several names of one value the first counts. */
static const struct name statuses[] = {NT_STATUS_LIST(NAME)};
static const struct name bugchecks[] = {NT_BUGCHECK_LIST(NAME)};

static const char *find(const struct name *names, size_t count, ULONG value)
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (names[middle].value < value)
            low = middle + 1;
        else
            high = middle;
    }
    return low < count && names[low].value == value ? names[low].text : NULL;
}

const char *rtl_status_name(NTSTATUS status)
{
    return find(statuses, countof(statuses), (ULONG)status);
}

const char *rtl_bugcheck_name(ULONG code)
{
    return find(bugchecks, countof(bugchecks), code);
}

const char *rtl_major_name(UCHAR major)
{
    static const char *const names[] = {
        "IRP_MJ_CREATE",
        "IRP_MJ_CREATE_NAMED_PIPE",
        "IRP_MJ_CLOSE",
        "IRP_MJ_READ",
        "IRP_MJ_WRITE",
        "IRP_MJ_QUERY_INFORMATION",
        "IRP_MJ_SET_INFORMATION",
        "IRP_MJ_QUERY_EA",
        "IRP_MJ_SET_EA",
        "IRP_MJ_FLUSH_BUFFERS",
        "IRP_MJ_QUERY_VOLUME_INFORMATION",
        "IRP_MJ_SET_VOLUME_INFORMATION",
        "IRP_MJ_DIRECTORY_CONTROL",
        "IRP_MJ_FILE_SYSTEM_CONTROL",
        "IRP_MJ_DEVICE_CONTROL",
        "IRP_MJ_INTERNAL_DEVICE_CONTROL",
        "IRP_MJ_SHUTDOWN",
        "IRP_MJ_LOCK_CONTROL",
        "IRP_MJ_CLEANUP",
        "IRP_MJ_CREATE_MAILSLOT",
        "IRP_MJ_QUERY_SECURITY",
        "IRP_MJ_SET_SECURITY",
        "IRP_MJ_POWER",
        "IRP_MJ_SYSTEM_CONTROL",
        "IRP_MJ_DEVICE_CHANGE",
        "IRP_MJ_QUERY_QUOTA",
        "IRP_MJ_SET_QUOTA",
        "IRP_MJ_PNP",
    };
    return major < countof(names) ? names[major] : "IRP_MJ_UNKNOWN";
}
