/* SPDX-License-Identifier: MIT */
/*
 * An INF as a whole, and what is asked of it: sections by name, lines by key.
 */
#include "inf/internal.h"
#include "host/host.h"

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

bool inf_same(const char *a, const char *b)
{
    while (*a != '\0' && lower(*a) == lower(*b))
        a++, b++;
    return lower(*a) == lower(*b);
}

const struct inf_section *inf_section(const struct inf *inf, const char *name)
{
    for (const struct inf_section *section = inf->sections; section != NULL; section = section->next)
        if (inf_same(section->name, name))
            return section;
    return NULL;
}

const struct inf_section *inf_install_section(const struct inf *inf, const char *name, const char *suffix)
{
    static const char *const extensions[] = {".NTamd64", ".NT", ""};
    char decorated[300];

    /* The platform is chosen by the install section itself: what hangs on it has the same one. */
    for (unsigned i = 0; i < countof(extensions); i++) {
        host_snprintf(decorated, sizeof(decorated), "%s%s", name, extensions[i]);
        if (inf_section(inf, decorated) == NULL)
            continue;
        host_snprintf(decorated, sizeof(decorated), "%s%s%s", name, extensions[i], suffix);
        return inf_section(inf, decorated);
    }
    return NULL;
}

const struct inf_line *inf_find(const struct inf_section *section, const char *key,
                                const struct inf_line *after)
{
    const struct inf_line *line = after != NULL ? after->next : section->first;

    while (line != NULL && (line->key == NULL || !inf_same(line->key, key)))
        line = line->next;
    return line;
}

const char *inf_value(const struct inf_line *line, unsigned index)
{
    return line != NULL && index < line->count ? line->value[index] : "";
}

static unsigned digit_of(char c)
{
    if (c >= '0' && c <= '9')
        return (unsigned)(c - '0');
    c = lower(c);
    return c >= 'a' && c <= 'f' ? (unsigned)(c - 'a' + 10) : 99;
}

bool inf_number(const char *text, ULONG *number)
{
    unsigned base = text[0] == '0' && lower(text[1]) == 'x' ? 16 : 10;
    ULONG64 value = 0;

    if (base == 16)
        text += 2;
    if (base == 16 && *text == '\0')
        return false;
    for (; digit_of(*text) < base && value <= 0xFFFFFFFF; text++)
        value = value * base + digit_of(*text);
    *number = (ULONG)value;
    return *text == '\0' && value <= 0xFFFFFFFF;
}

/* "$Windows NT$", "$Chicago$" or "$Windows 95$": all three are for every Windows. */
static bool has_signature(const struct inf *inf, struct inf_error *error)
{
    const struct inf_section *version = inf_section(inf, "Version");
    const struct inf_line *line = version != NULL ? inf_find(version, "Signature", NULL) : NULL;
    const char *signature = inf_value(line, 0);

    if (version == NULL)
        return inf_fail(error, 0, "it has no section [Version]");
    if (line == NULL)
        return inf_fail(error, 0, "[Version] has no Signature");
    if (inf_same(signature, "$Windows NT$") || inf_same(signature, "$Chicago$") ||
        inf_same(signature, "$Windows 95$"))
        return true;
    return inf_fail(error, line->number, "the signature '%s' is not one of Windows", signature);
}

struct inf *inf_open(const void *bytes, size_t length, USHORT language, struct inf_error *error)
{
    struct inf *inf = host_alloc(sizeof(*inf));
    char *text;

    inf->end = &inf->sections;
    text = inf_decode(inf, bytes, length, error);
    if (text == NULL || !inf_read_lines(inf, text, error))
        goto fail;
    inf_read_strings(inf, language);
    inf_read_values(inf);
    if (has_signature(inf, error))
        return inf;
fail:
    inf_free_all(inf);
    return NULL;
}

void inf_close(struct inf *inf)
{
    if (inf != NULL)
        inf_free_all(inf);
}
