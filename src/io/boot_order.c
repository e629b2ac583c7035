/* SPDX-License-Identifier: MIT */
/*
 * When a service's driver starts while a machine boots, as the registry says:
 * its start type, the place of its group among all, and what it depends on.
 * Nothing is cached.
 */
#include "io/service_key.h"

#define CONTROL u"\\Registry\\Machine\\System\\CurrentControlSet\\Control\\"

/* CM_SERVICE_..._BOOT_LOAD: those that can be true of this machine. */
enum { BOOT_VERIFIER = 0x40, BOOT_WINPE = 0x80 };

/* The order where the registry has none. */
static const WCHAR default_groups[] =
    u"System Reserved\0EMS\0WdfLoadGroup\0Boot Bus Extender\0System Bus Extender\0"
    u"SCSI miniport\0Port\0Primary Disk\0SCSI Class\0SCSI CDROM Class\0"
    u"FSFilter Infrastructure\0FSFilter System\0FSFilter Bottom\0"
    u"FSFilter Virtualization\0FSFilter Anti-Virus\0FSFilter Top\0Filter\0"
    u"Boot File System\0Base\0Pointer Port\0Keyboard Port\0Pointer Class\0"
    u"Keyboard Class\0Video Init\0Video\0Video Save\0File System\0"
    u"Streams Drivers\0NDIS Wrapper\0COM Infrastructure\0PNP_TDI\0NDIS\0TDI\0"
    u"NetBIOSGroup\0Extended Base\0";

/* A value of text, doubly terminated; NULL: none. mm_free. */
static WCHAR *read_list(const WCHAR *key, const WCHAR *name)
{
    ULONG type, length = 0;
    if (cm_query_value(key, name, &type, NULL, &length) != STATUS_BUFFER_TOO_SMALL)
        return NULL;
    WCHAR *text = mm_alloc(length + 2 * sizeof(WCHAR), IO_STATE_TAG);
    if (text && !NT_SUCCESS(cm_query_value(key, name, &type, text, &length))) {
        mm_free(text);
        text = NULL;
    }
    return text;
}

static bool same(const WCHAR *a, const WCHAR *b)
{
    UNICODE_STRING left, right;
    rtl_init_string(&left, a);
    rtl_init_string(&right, b);
    return rtl_equal_nocase(&left, &right);
}

/* Where the text stands in the list; ULONG_MAX: nowhere. */
static ULONG position(const WCHAR *list, const WCHAR *text)
{
    ULONG at = 0;
    for (; list && *list; list += rtl_wcslen(list) + 1, at++)
        if (same(list, text))
            return at;
    return IO_BOOT_LAST;
}

/* Rules: SV-05, SV-06. */
static ULONG rank_of(const WCHAR *group)
{
    if (!group || !*group)
        /* SV-06: behind all that have one. */
        return IO_BOOT_LAST;
    WCHAR *order = read_list(CONTROL u"ServiceGroupOrder", u"List");
    /* SV-06: as the list has them. */
    ULONG rank = position(order ? order : default_groups, group);
    mm_free(order);
    return MIN(rank, IO_BOOT_LAST - 1);
}

static ULONG read_flags(const WCHAR *key)
{
    ULONG type, value = 0, length = sizeof(value);
    return NT_SUCCESS(cm_query_value(key, u"BootFlags", &type, &value, &length)) && type == REG_DWORD ? value
                                                                                                      : 0;
}

/* How this machine boots: with a verifier, as a preinstallation environment. */
static ULONG scenario(void)
{
    return (seam_vf ? BOOT_VERIFIER : 0u) | (cm_key_exists(CONTROL u"MiniNT") ? BOOT_WINPE : 0u);
}

/* Rules: SV-04, SV-05, SV-06, SV-12. */
bool io_boot_read(const char *service, struct io_boot_info *info)
{
    struct io_service *s = mm_alloc(sizeof(*s), IO_STATE_TAG);
    *info = (struct io_boot_info){START_DEMAND, IO_BOOT_LAST};
    if (!s)
        return false;
    io_service_name(s, service);
    bool known = cm_key_exists(s->path);
    if (known) {
        io_service_read(s);
        info->start = s->start;
        if (s->start != START_DISABLED && read_flags(s->path) & scenario())
            /* SV-12: in such a boot it is needed from the beginning. */
            info->start = START_BOOT;
        WCHAR *group = read_list(s->path, u"Group");
        if (info->start <= START_SYSTEM)
            /* SV-05: of no meaning for the others. */
            info->rank = rank_of(group);
        mm_free(group);
    }
    mm_free(s);
    return known;
}

/* The value of the first service names the second, or its group. Rules: SV-07. */
bool io_boot_depends(const char *service, const char *other)
{
    struct io_service *s = mm_alloc(2 * sizeof(*s), IO_STATE_TAG);
    WCHAR wide[IO_SERVICE_NAME_BYTES];
    if (!s)
        return false;
    io_service_name(&s[0], service);
    io_service_name(&s[1], other);
    rtl_wide_from_utf8(wide, countof(wide), other, __builtin_strlen(other));
    WCHAR *services = read_list(s[0].path, u"DependOnService"),
          *groups = read_list(s[0].path, u"DependOnGroup");
    WCHAR *group = read_list(s[1].path, u"Group");
    /* SV-07: by name, */
    bool depends = position(services, wide) != IO_BOOT_LAST;
    if (group && position(groups, group) != IO_BOOT_LAST)
        /* SV-07: or as one of a group. */
        depends = true;
    mm_free(services);
    mm_free(groups);
    mm_free(group);
    mm_free(s);
    return depends;
}
