/* SPDX-License-Identifier: MIT */
/*
 * The text of a registry file. Outside input: every step looks at `end` first,
 * sizes come from the input's length, and what is not understood is an error
 * with its line.
 */
#include "cm/reg_text.h"
#include "rtl/rtl.h"

bool reg_fail(struct reg_text *text, const char *error)
{
    if (!text->error)
        text->error = error;
    return false;
}

NTSTATUS reg_text_open(struct reg_text *text, const void *bytes, size_t length)
{
    const UCHAR *at = bytes;
    bool wide = length >= 2 && at[0] == 0xFF && at[1] == 0xFE,
         marked = length >= 3 && at[0] == 0xEF && at[1] == 0xBB && at[2] == 0xBF;
    size_t skip = wide ? 2 : marked ? 3 : 0, chars = (length - skip) / (wide ? 2 : 1);
    *text = (struct reg_text){.line = 1};
    if (length > (64u << 20))
        return STATUS_FILE_TOO_LARGE;
    text->storage = mm_alloc((chars + 1) * sizeof(WCHAR), CM_TAG);
    if (!text->storage)
        return STATUS_INSUFFICIENT_RESOURCES;
    if (wide)
        memcpy(text->storage, at + skip, chars * sizeof(WCHAR));
    else
        chars = (size_t)rtl_wide_from_utf8(text->storage, chars + 1, (const char *)at + skip, length - skip);
    text->at = text->storage;
    text->end = text->storage + chars;
    return STATUS_SUCCESS;
}

void reg_text_close(struct reg_text *text)
{
    if (text->storage)
        mm_free(text->storage);
    text->storage = NULL;
}

static bool at_blank(const struct reg_text *text)
{
    return text->at < text->end && (*text->at == ' ' || *text->at == '\t');
}

static bool at_newline(const struct reg_text *text)
{
    return text->at < text->end && (*text->at == '\r' || *text->at == '\n');
}

static void skip_blanks(struct reg_text *text)
{
    while (at_blank(text))
        text->at++;
}

/* One line end: LF, CR, or CR LF. */
static void take_newline(struct reg_text *text)
{
    if (*text->at == '\r' && text->at + 1 < text->end && text->at[1] == '\n')
        text->at++;
    text->at++;
    text->line++;
}

bool reg_skip_blank(struct reg_text *text)
{
    for (;;) {
        skip_blanks(text);
        if (text->at < text->end && *text->at == ';')
            while (text->at < text->end && !at_newline(text))
                text->at++;
        if (text->at >= text->end)
            return false;
        if (!at_newline(text))
            return true;
        take_newline(text);
    }
}

bool reg_end_line(struct reg_text *text)
{
    skip_blanks(text);
    if (text->at >= text->end || at_newline(text) || *text->at == ';')
        return true;
    return reg_fail(text, "something follows where the line should end");
}

bool reg_take(struct reg_text *text, const char *word)
{
    const WCHAR *at = text->at;
    for (; *word; word++, at++)
        if (at >= text->end || rtl_upcase(*at) != rtl_upcase((WCHAR)*word))
            return false;
    text->at = at;
    return true;
}

/* ---- strings ---- */

/* One character of a string; false at its closing quote or at the end. */
static bool string_char(struct reg_text *text, const WCHAR **at, WCHAR *c)
{
    if (*at >= text->end || **at == '"')
        return false;
    if (**at == '\\' && *at + 1 < text->end && ((*at)[1] == '\\' || (*at)[1] == '"'))
        ++*at;
    *c = *(*at)++;
    return true;
}

bool reg_string(struct reg_text *text, UNICODE_STRING *string)
{
    size_t chars = 0;
    WCHAR c;
    if (text->at >= text->end || *text->at != '"')
        return reg_fail(text, "a name or a string in quotes is expected");
    const WCHAR *start = text->at + 1, *at = start;
    while (string_char(text, &at, &c))
        chars++;
    if (at >= text->end)
        return reg_fail(text, "a string without its closing quote");
    if (chars > 0x7FFE)
        return reg_fail(text, "a string that is too long");
    WCHAR *to = mm_alloc((chars + 1) * sizeof(WCHAR), CM_TAG);
    if (!to)
        return reg_fail(text, "out of memory");
    at = start;
    for (chars = 0; string_char(text, &at, &c); chars++) {
        to[chars] = c;
        text->line += c == '\n';
    }
    *string = (UNICODE_STRING){(USHORT)(chars * sizeof(WCHAR)), (USHORT)((chars + 1) * sizeof(WCHAR)), to};
    text->at = at + 1;
    return true;
}

/* ---- numbers ---- */

static int hex_digit(const struct reg_text *text)
{
    if (text->at >= text->end)
        return -1;
    WCHAR c = rtl_upcase(*text->at);
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool hex_number(struct reg_text *text, unsigned max_digits, uint64_t *value)
{
    unsigned digits = 0;
    for (*value = 0; hex_digit(text) >= 0; digits++) {
        if (digits == max_digits)
            return reg_fail(text, "a number with too many digits");
        *value = *value * 16 + (unsigned)hex_digit(text);
        text->at++;
    }
    return digits ? true : reg_fail(text, "a hexadecimal number is expected");
}

/* Between two bytes: ',' and perhaps '\' with the line ending after it. False: no more bytes. */
static bool next_byte(struct reg_text *text)
{
    skip_blanks(text);
    if (text->at >= text->end || *text->at != ',')
        return false;
    text->at++;
    skip_blanks(text);
    if (text->at < text->end && *text->at == '\\') {
        text->at++;
        skip_blanks(text);
        if (!at_newline(text))
            return reg_fail(text, "a line ending is expected after '\\'");
        take_newline(text);
        skip_blanks(text);
    }
    return hex_digit(text) >= 0;
}

/* An upper bound of the bytes that follow: "0," is the shortest way to write one. */
static size_t count_bytes(const struct reg_text *text)
{
    size_t chars = 0;
    for (const WCHAR *at = text->at; at < text->end && *at != '"' && *at != '[' && *at != '@' && *at != ';';
         at++)
        chars++;
    return chars / 2 + 1;
}

static bool hex_bytes(struct reg_text *text, struct reg_data *data)
{
    uint64_t byte;
    size_t room = count_bytes(text);
    UCHAR *bytes = mm_alloc(room, CM_TAG);
    if (!bytes)
        return reg_fail(text, "out of memory");
    data->bytes = bytes;
    skip_blanks(text);
    if (hex_digit(text) < 0)
        return true; /* no data */
    do {
        if (!hex_number(text, 2, &byte))
            return false;
        bytes[data->length++] = (UCHAR)byte;
    } while (next_byte(text));
    return text->error == NULL;
}

/* REGEDIT4 writes the bytes of ANSI strings. */
static bool widen(struct reg_text *text, struct reg_data *data)
{
    const UCHAR *from = data->bytes;
    WCHAR *to = mm_alloc((data->length + 1) * sizeof(WCHAR), CM_TAG);
    if (!to)
        return reg_fail(text, "out of memory");
    for (ULONG i = 0; i < data->length; i++)
        to[i] = from[i];
    mm_free(data->bytes);
    data->bytes = to;
    data->length *= sizeof(WCHAR);
    return true;
}

static bool typed_hex(struct reg_text *text, struct reg_data *data)
{
    uint64_t type = REG_BINARY;
    if (reg_take(text, "(")) {
        if (!hex_number(text, 8, &type))
            return false;
        if (!reg_take(text, ")"))
            return reg_fail(text, "')' is expected after the type");
    }
    if (!reg_take(text, ":"))
        return reg_fail(text, "':' is expected after hex");
    data->type = (ULONG)type;
    if (!hex_bytes(text, data))
        return false;
    return text->ansi_strings && (type == REG_EXPAND_SZ || type == REG_MULTI_SZ) ? widen(text, data) : true;
}

static bool dword(struct reg_text *text, struct reg_data *data)
{
    uint64_t value;
    if (!hex_number(text, 8, &value))
        return false;
    ULONG *to = mm_alloc(sizeof(*to), CM_TAG);
    if (!to)
        return reg_fail(text, "out of memory");
    *to = (ULONG)value;
    *data = (struct reg_data){.type = REG_DWORD, .length = sizeof(*to), .bytes = to};
    return true;
}

bool reg_value(struct reg_text *text, struct reg_data *data)
{
    UNICODE_STRING string;
    *data = (struct reg_data){0};
    skip_blanks(text);
    if (text->at < text->end && *text->at == '"') {
        if (!reg_string(text, &string))
            return false;
        *data = (struct reg_data){.type = REG_SZ, .length = string.MaximumLength, .bytes = string.Buffer};
        return true;
    }
    if (reg_take(text, "dword:"))
        return dword(text, data);
    if (reg_take(text, "hex"))
        return typed_hex(text, data);
    data->remove = reg_take(text, "-");
    return data->remove ? true : reg_fail(text, "a string, dword:, hex: or - is expected after '='");
}
