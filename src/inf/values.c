/* SPDX-License-Identifier: MIT */
/*
 * Lines taken apart: key, '=', values between commas; quotation marks and
 * %strkey% tokens resolved. A token that no string defines stays as it is
 * written, as for SetupAPI.
 */
#include "inf/internal.h"
#include "host/host.h"

static bool is_space(char c)
{
    return c == ' ' || c == '\t';
}

/* Where one of the two characters stands outside quotation marks; or the end. */
static const char *find_outside(const char *text, char wanted)
{
    bool quoted = false;

    for (; *text != '\0' && (quoted || *text != wanted); text++)
        quoted ^= *text == '"';
    return text;
}

/* ---- one string ---- */

struct expansion {
    const struct inf *inf;
    const char *at, *end; /* the text */
    char *to, *limit;     /* the room, with one place for the zero behind the limit */
    bool substitute;
};

static void put(struct expansion *x, char c)
{
    if (x->to < x->limit)
        *x->to++ = c;
}

static void put_text(struct expansion *x, const char *text)
{
    while (*text != '\0')
        put(x, *text++);
}

/* Directory identifiers that mean the same on every machine. */
static const char *directory(const char *number, size_t length)
{
    static const struct {
        const char *number, *path;
    } known[] = {
        {"10", "C:\\Windows"},
        {"11", "C:\\Windows\\System32"},
        {"12", "C:\\Windows\\System32\\drivers"},
        {"13", "C:\\Windows\\System32\\drivers"},
        {"17", "C:\\Windows\\INF"},
        {"24", "C:\\"},
        {"30", "C:\\"},
    };
    for (unsigned i = 0; i < countof(known); i++)
        if (__builtin_strlen(known[i].number) == length &&
            __builtin_memcmp(known[i].number, number, length) == 0)
            return known[i].path;
    return NULL;
}

/* NULL: no string has that key. */
static const char *string_of(const struct inf *inf, const char *key, size_t length)
{
    char name[256];

    if (inf->strings != NULL && length < sizeof(name)) {
        __builtin_memcpy(name, key, length);
        name[length] = '\0';
        const struct inf_line *line = inf_find(inf->strings, name, NULL);
        if (line != NULL)
            return inf_value(line, 0);
    }
    return directory(key, length);
}

/* At a '%': what it stands for. */
static void put_token(struct expansion *x)
{
    const char *key = x->at + 1, *close = key;

    if (x->substitute)
        while (close < x->end && *close != '%')
            close++;
    const char *text =
        x->substitute && close < x->end && close > key ? string_of(x->inf, key, (size_t)(close - key)) : NULL;
    if (text != NULL) {
        put_text(x, text);
        x->at = close + 1;
        return;
    }
    put(x, '%');
    x->at += x->substitute && key < x->end && *key == '%' ? 2 : 1;
}

/* At a quotation mark: it opens or closes, or two of them are one that counts. */
static bool put_quote(struct expansion *x, bool quoted)
{
    if (x->end - x->at > 1 && x->at[1] == '"' && (quoted || x->end - x->at > 2 || x->to[-1] != '\0')) {
        put(x, '"');
        x->at += 2;
        return quoted;
    }
    x->at++;
    return !quoted;
}

/* Copies the text's meaning into the INF. White space around it goes, but not that between quotation marks.
 */
static const char *expand(struct inf *inf, const char *text, const char *end, bool substitute)
{
    char room[INF_LINE_MAX + 1];
    bool quoted = false;

    while (text < end && is_space(*text))
        text++;
    while (end > text && is_space(end[-1]))
        end--;
    room[0] = '\0'; /* stands before the string */
    struct expansion x = {inf, text, end, room + 1, room + INF_LINE_MAX, substitute};
    while (x.at < x.end) {
        if (*x.at == '"')
            quoted = put_quote(&x, quoted);
        else if (*x.at == '%')
            put_token(&x);
        else
            put(&x, *x.at++);
    }
    return inf_copy(inf, room + 1, (size_t)(x.to - room - 1));
}

/* ---- lines ---- */

static unsigned count_values(const char *text)
{
    unsigned count = 1;

    for (text = find_outside(text, ','); *text != '\0'; text = find_outside(text + 1, ','))
        count++;
    return count;
}

static void read_line(struct inf *inf, struct inf_line *line)
{
    const char *text = line->key, *equals = find_outside(text, '=');

    line->key = NULL;
    if (*equals == '=') {
        line->key = expand(inf, text, equals, true);
        text = equals + 1;
    }
    unsigned count = count_values(text);
    line->value = inf_allocate(inf, count * sizeof(*line->value));
    for (; line->count < count; line->count++) {
        const char *comma = find_outside(text, ',');
        line->value[line->count] = expand(inf, text, comma, true);
        text = comma + 1;
    }
}

/* In a section of strings all behind '=' is one value, and nothing in it is substituted. */
static void read_string(struct inf *inf, struct inf_line *line)
{
    const char *text = line->key, *equals = find_outside(text, '=');

    line->key = expand(inf, text, equals, false);
    if (*equals == '\0')
        return;
    line->value = inf_allocate(inf, sizeof(*line->value));
    line->value[0] = expand(inf, equals + 1, equals + __builtin_strlen(equals), false);
    line->count = 1;
}

static bool is_strings(const struct inf_section *section)
{
    char start[8];

    if (__builtin_strlen(section->name) < 7)
        return false;
    __builtin_memcpy(start, section->name, 7);
    start[7] = '\0';
    return inf_same(start, "Strings") && (section->name[7] == '\0' || section->name[7] == '.');
}

void inf_read_values(struct inf *inf)
{
    for (struct inf_section *section = inf->sections; section != NULL; section = section->next)
        for (struct inf_line *line = section->first; line != NULL && !is_strings(section); line = line->next)
            read_line(inf, line);
}

/* ---- which strings ---- */

/* The language in "Strings.0407"; 0: none. */
static USHORT language_of(const struct inf_section *section)
{
    ULONG language;
    char text[8] = "0x";

    if (!is_strings(section) || __builtin_strlen(section->name) != 12)
        return 0;
    __builtin_memcpy(text + 2, section->name + 8, 5);
    return inf_number(text, &language) ? (USHORT)language : 0;
}

enum { PRIMARY = 0x3FF };

/* The section of the language, of its neutral form, of any of its forms; else the one without a language. */
static const struct inf_section *choose_strings(const struct inf *inf, USHORT language)
{
    const struct inf_section *best = inf_section(inf, "Strings");
    unsigned best_rank = 0;

    for (const struct inf_section *it = inf->sections; it != NULL; it = it->next) {
        USHORT its = language_of(it);
        if (its == 0 || (its & PRIMARY) != (language & PRIMARY))
            continue;
        unsigned rank = its == language ? 3 : its == (language & PRIMARY) ? 2 : 1;
        if (rank > best_rank)
            best = it, best_rank = rank;
    }
    return best;
}

void inf_read_strings(struct inf *inf, USHORT language)
{
    for (struct inf_section *section = inf->sections; section != NULL; section = section->next)
        for (struct inf_line *line = section->first; line != NULL && is_strings(section); line = line->next)
            read_string(inf, line);
    inf->strings = choose_strings(inf, language);
}
