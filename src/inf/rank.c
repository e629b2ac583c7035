/* SPDX-License-Identifier: MIT */
/*
 * Which of several INFs that fit a device wins, and what kind of INF one is.
 * Sources: "How Windows Ranks Driver Packages", "INF FeatureScore Directive",
 * "INF DriverVer Directive". Signatures are not checked: all INFs are equal in that.
 */
#include "inf/plan_internal.h"

const char *inf_class_guid(const struct inf *inf)
{
    return inf_value(inf_find(inf_section(inf, "Version"), "ClassGuid", NULL), 0);
}

const char *inf_extension_id(const struct inf *inf)
{
    const struct inf_line *id = inf_find(inf_section(inf, "Version"), "ExtensionId", NULL);

    return inf_same(inf_class_guid(inf), "{e2f84ce7-8efa-411c-aa69-97454ca4cb57}") ? inf_value(id, 0) : NULL;
}

/* Numbers between separators; the first is the most significant. */
static ULONG64 numbers(const char *text, char separator, ULONG *field, unsigned count)
{
    unsigned at = 0;

    for (; *text != '\0' && at < count; text++) {
        if (*text == separator)
            at++;
        else if (*text >= '0' && *text <= '9')
            field[at] = field[at] * 10 + (ULONG)(*text - '0');
    }
    return at;
}

static ULONG64 date_of(const char *text)
{
    ULONG field[3] = {0}; /* month, day, year */

    numbers(text, '/', field, 3);
    return (ULONG64)field[2] << 16 | (ULONG64)(field[0] & 0xFF) << 8 | (field[1] & 0xFF);
}

static ULONG64 version_of(const char *text)
{
    ULONG field[4] = {0};
    ULONG64 version = 0;

    numbers(text, '.', field, 4);
    for (unsigned i = 0; i < 4; i++)
        version = version << 16 | (field[i] & 0xFFFF);
    return version;
}

static bool is_one_of(const char *id, const char *const *list, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        if (inf_same(id, list[i]))
            return true;
    return false;
}

static bool excludes(const struct inf_section *install, const struct inf_ids *ids)
{
    for (const struct inf_line *line = inf_find(install, "ExcludeID", NULL); line != NULL;
         line = inf_find(install, "ExcludeID", line))
        for (unsigned i = 0; i < line->count; i++)
            if (is_one_of(line->value[i], ids->hardware, ids->hardware_count) ||
                is_one_of(line->value[i], ids->compatible, ids->compatible_count))
                return true;
    return false;
}

/* 0x00GGTHHH: feature score, then the identifier's score. */
bool inf_rank_of(const struct inf *inf, const struct inf_match *match, const struct inf_ids *ids,
                 struct inf_rank *rank)
{
    const struct inf_section *install = inf_install_section(inf, match->install, "");
    const struct inf_section *version = inf_section(inf, "Version");
    const struct inf_line *feature = install != NULL ? inf_find(install, "FeatureScore", NULL) : NULL;
    const struct inf_line *date = install != NULL ? inf_find(install, "DriverVer", NULL) : NULL;
    UCHAR score = 0xFF;

    if (install != NULL && excludes(install, ids))
        return false;
    if (feature != NULL && !inf_byte(inf_value(feature, 0), &score))
        score = 0xFF;
    if (date == NULL)
        date = inf_find(version, "DriverVer", NULL);
    rank->rank = (ULONG)score << 16 | match->score;
    rank->date = date_of(inf_value(date, 0));
    rank->version = version_of(inf_value(date, 1));
    return true;
}

bool inf_rank_better(const struct inf_rank *a, const struct inf_rank *b)
{
    if (a->rank != b->rank)
        return a->rank < b->rank;
    if (a->date != b->date)
        return a->date > b->date;
    return a->version > b->version;
}
