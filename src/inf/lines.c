/* SPDX-License-Identifier: MIT */
/*
 * The text of an INF as sections and logical lines: comments cut off,
 * continued lines joined, sections of one name merged.
 */
#include "inf/internal.h"

struct reader {
    struct inf *inf;
    char *at;
    unsigned number; /* of the line at `at` */
    struct inf_section *section;
    struct inf_error *error;
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == '\v' || c == 0x1A;
}

/* At a backslash: is there only white space, or a comment, up to the end of the line? */
static bool continues(const char *backslash)
{
    const char *at = backslash + 1;

    while (is_blank(*at))
        at++;
    return *at == '\n' || *at == ';' || *at == '\0';
}

static char *end_of_line(char *at)
{
    while (*at != '\0' && *at != '\n')
        at++;
    return at;
}

/* %strkey% may hold a semicolon: the closing sign, if the token ends on this line. */
static char *end_of_token(char *percent)
{
    char *at = percent + 1;

    while (*at != '\0' && *at != '\n' && *at != '%' && *at != '"')
        at++;
    return *at == '%' ? at : percent;
}

static void next_line(struct reader *r, char *end)
{
    r->at = *end == '\n' ? end + 1 : end;
    r->number += *end == '\n';
}

/* Copies a logical line to `to`, without comment and continuations; returns where it ends. A quoted string
 * that is not closed ends with its line. */
static char *copy_line(struct reader *r, char *to)
{
    char *at = r->at;
    bool quoted = false;

    for (;;) {
        if (*at == '\0' || *at == '\n' || (*at == ';' && !quoted)) {
            next_line(r, end_of_line(at));
            return to;
        }
        if (*at == '\\' && !quoted && continues(at)) {
            next_line(r, end_of_line(at));
            at = r->at;
            continue;
        }
        if (*at == '%' && !quoted)
            for (char *end = end_of_token(at); at < end;)
                *to++ = *at++;
        quoted ^= *at == '"';
        *to++ = *at++;
    }
}

static char *trim(char *text, char *end)
{
    while (end > text && is_blank(end[-1]))
        end--;
    *end = '\0';
    while (is_blank(*text))
        text++;
    return text;
}

/* [NAME]: everything up to the first closing bracket is the name. */
static bool open_section(struct reader *r, char *text, unsigned number)
{
    char *name = text + 1, *end = name;

    while (*end != '\0' && *end != ']')
        end++;
    if (*end == '\0')
        return inf_fail(r->error, number, "']' is missing behind the name of a section");
    name = inf_copy(r->inf, name, (size_t)(end - name));
    r->section = (struct inf_section *)inf_section(r->inf, name);
    if (r->section != NULL)
        return true;
    r->section = inf_allocate(r->inf, sizeof(*r->section));
    r->section->name = name;
    r->section->end = &r->section->first;
    *r->inf->end = r->section;
    r->inf->end = &r->section->next;
    return true;
}

/* What stands before the first section is no part of the INF. */
static void add_line(struct reader *r, const char *text, unsigned number)
{
    struct inf_line *line;

    if (r->section == NULL)
        return;
    line = inf_allocate(r->inf, sizeof(*line));
    line->number = number;
    line->key = text;
    *r->section->end = line;
    r->section->end = &line->next;
}

/* The copies take the room of the text that they are made from, which they are never longer than: the zero
 * behind one lies where its line break was, or before. */
bool inf_read_lines(struct inf *inf, char *text, struct inf_error *error)
{
    struct reader r = {.inf = inf, .at = text, .number = 1, .error = error};

    while (*r.at != '\0') {
        unsigned number = r.number;
        char *start = r.at, *end = copy_line(&r, start);
        char *line = trim(start, end);

        if (*line == '[') {
            if (!open_section(&r, line, number))
                return false;
        } else if (*line != '\0') {
            add_line(&r, line, number);
        }
    }
    return true;
}
