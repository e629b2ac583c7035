/* SPDX-License-Identifier: MIT */
/*
 * Which line of which Models section is for a device. Sources: "INF
 * Manufacturer Section", "INF Models Section", "Identifier Score".
 */
#include "inf/internal.h"
#include "host/host.h"

/* ---- decorations: NT[architecture][.major[.minor[.product[.suite[.build]]]]] ---- */

enum { MAJOR, MINOR, PRODUCT, SUITE, BUILD, FIELDS };

struct decoration {
    bool given[FIELDS];
    ULONG field[FIELDS];
};

static bool take_word(const char **text, const char *word)
{
    const char *at = *text;

    for (; *word != '\0'; at++, word++)
        if ((*at | 0x20) != (*word | 0x20))
            return false;
    *text = at;
    return true;
}

static bool take_field(const char **text, char *field, size_t size)
{
    size_t length = 0;

    if (**text != '.')
        return false;
    for (++*text; **text != '\0' && **text != '.'; ++*text)
        if (length + 1 < size)
            field[length++] = **text;
    field[length] = '\0';
    return true;
}

/* False: it is for another architecture, or says nothing that is understood. */
static bool read_decoration(const char *text, struct decoration *d)
{
    char field[16];

    *d = (struct decoration){.given = {false}};
    if (!take_word(&text, "nt"))
        return false;
    /* Since Windows Server 2003 SP1 a Models section for x64 must name its architecture. */
    if (!take_word(&text, "amd64"))
        return false;
    for (unsigned i = 0; i < FIELDS && take_field(&text, field, sizeof(field)); i++) {
        d->given[i] = field[0] != '\0';
        if (!inf_number(field, &d->field[i]))
            return false;
    }
    return *text == '\0';
}

static bool fits(const struct decoration *d, const struct inf_system *system)
{
    if (d->given[MAJOR] && d->field[MAJOR] > system->major)
        return false;
    bool same_major = !d->given[MAJOR] || d->field[MAJOR] == system->major;
    if (d->given[MINOR] && same_major && d->field[MINOR] > system->minor)
        return false;
    bool same_minor = same_major && (!d->given[MINOR] || d->field[MINOR] == system->minor);
    if (d->given[BUILD] && same_minor && d->field[BUILD] > system->build)
        return false;
    if (d->given[PRODUCT] && d->field[PRODUCT] != system->product_type)
        return false;
    return !d->given[SUITE] || (d->field[SUITE] & ~system->suite_mask) == 0;
}

ULONG64 inf_decoration_rank(const char *text, const struct inf_system *system)
{
    struct decoration d;

    if (!read_decoration(text, &d) || !fits(&d, system))
        return 0;
    return 1 | (ULONG64)(d.field[MAJOR] & 0xFFF) << 52 | (ULONG64)(d.field[MINOR] & 0xFFF) << 40 |
           (ULONG64)d.given[PRODUCT] << 39 | (ULONG64)d.given[SUITE] << 38 |
           (ULONG64)(d.field[BUILD] & 0xFFFFFF) << 8;
}

/* ---- the Models section of a manufacturer's line ---- */

static const struct inf_section *models_of(const struct inf *inf, const struct inf_system *system,
                                           const struct inf_line *manufacturer)
{
    const char *name = inf_value(manufacturer, 0), *best = NULL;
    ULONG64 best_rank = 0;
    char decorated[600];

    for (unsigned i = 1; i < manufacturer->count; i++) {
        ULONG64 rank = inf_decoration_rank(manufacturer->value[i], system);
        if (rank > best_rank)
            best = manufacturer->value[i], best_rank = rank;
    }
    if (best == NULL)
        return NULL;
    host_snprintf(decorated, sizeof(decorated), "%s.%s", name, best);
    return inf_section(inf, decorated);
}

/* ---- identifiers ---- */

static ULONG position(const char *id, const char *const *list, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        if (inf_same(id, list[i]))
            return MIN(i, 0xFFFu);
    return ~0u;
}

/* Values from 1 on are identifiers: the hardware id, then compatible ones. ~0: no match. */
static ULONG score_of(const struct inf_line *line, const struct inf_ids *ids, const char **id)
{
    ULONG best = ~0u;

    for (unsigned i = 1; i < line->count; i++) {
        const char *its = line->value[i];
        if (*its == '\0')
            continue;
        ULONG hardware = position(its, ids->hardware, ids->hardware_count);
        ULONG compatible = position(its, ids->compatible, ids->compatible_count);
        ULONG score = hardware != ~0u     ? (i == 1 ? 0 : 0x1000) + hardware
                      : compatible == ~0u ? ~0u
                      : i == 1            ? 0x2000 + compatible
                                          : 0x3000 + MIN(compatible + (i - 2) * 0x100, 0xFFFu);
        if (score < best)
            best = score, *id = its;
    }
    return best;
}

void inf_for_each_model(const struct inf *inf, const struct inf_system *system,
                        bool (*visit)(void *context, const struct inf_match *model), void *context)
{
    const struct inf_section *manufacturers = inf_section(inf, "Manufacturer");

    if (manufacturers == NULL)
        return;
    for (const struct inf_line *maker = manufacturers->first; maker != NULL; maker = maker->next) {
        const struct inf_section *models = models_of(inf, system, maker);
        for (const struct inf_line *line = models != NULL ? models->first : NULL; line != NULL;
             line = line->next) {
            if (line->key == NULL)
                continue;
            const struct inf_match model = {.id = inf_value(line, 1),
                                            .description = line->key,
                                            .manufacturer = maker->key != NULL ? maker->key : "",
                                            .install = inf_value(line, 0),
                                            .section = models->name,
                                            .line = line};
            if (!visit(context, &model))
                return;
        }
    }
}

struct matching {
    const struct inf_ids *ids;
    struct inf_match *best;
};

static bool consider(void *context, const struct inf_match *model)
{
    struct matching *matching = context;
    const char *id = NULL;
    ULONG score = score_of(model->line, matching->ids, &id);

    if (score < matching->best->score) {
        *matching->best = *model;
        matching->best->score = score;
        matching->best->id = id;
    }
    return true;
}

bool inf_match(const struct inf *inf, const struct inf_system *system, const struct inf_ids *ids,
               struct inf_match *match)
{
    struct matching matching = {ids, match};

    *match = (struct inf_match){.score = ~0u};
    inf_for_each_model(inf, system, consider, &matching);
    return match->score != ~0u;
}
