/* SPDX-License-Identifier: MIT */
/*
 * host_snprintf: formatting for reports and traces on NT stacks. No locale, no
 * locks, no allocation, no floating point. Understands %d %i %u %x %X %o %p %s
 * %c %ws (an NT wide string) %%, the flags - 0 + space #, width and precision
 * (also *), and the lengths hh h l ll z j t. Returns what snprintf returns.
 */
#include "host/host.h"

#include <stdarg.h>

struct output {
    char *buffer;
    size_t size, length;
};

struct spec {
    bool left, zero, plus, space, alternate, wide;
    int width, precision; /* precision -1: none */
    unsigned size_bytes;  /* of the integer argument */
};

static void put(struct output *out, char c)
{
    if (out->length + 1 < out->size)
        out->buffer[out->length] = c;
    out->length++;
}

static void put_repeated(struct output *out, char c, int count)
{
    while (count-- > 0)
        put(out, c);
}

static void put_text(struct output *out, const struct spec *spec, const char *text, int length)
{
    if (!spec->left)
        put_repeated(out, ' ', spec->width - length);
    for (int i = 0; i < length; i++)
        put(out, text[i]);
    if (spec->left)
        put_repeated(out, ' ', spec->width - length);
}

static int string_length(const char *text, int limit)
{
    int length = 0;
    while (length != limit && text[length] != 0)
        length++;
    return length;
}

static int wide_length(const WCHAR *text, int limit)
{
    int length = 0;
    while (length != limit && text[length] != 0)
        length++;
    return length;
}

/* UTF-8 of one UTF-16 code unit; a surrogate is written as a question mark. */
static void put_wide(struct output *out, WCHAR c)
{
    if (c >= 0xD800 && c <= 0xDFFF)
        c = '?';
    if (c < 0x80) {
        put(out, (char)c);
    } else if (c < 0x800) {
        put(out, (char)(0xC0 | c >> 6));
        put(out, (char)(0x80 | (c & 0x3F)));
    } else {
        put(out, (char)(0xE0 | c >> 12));
        put(out, (char)(0x80 | (c >> 6 & 0x3F)));
        put(out, (char)(0x80 | (c & 0x3F)));
    }
}

static void put_string(struct output *out, const struct spec *spec, const char *text)
{
    if (text == NULL)
        text = "(null)";
    put_text(out, spec, text, string_length(text, spec->precision));
}

static void put_wide_string(struct output *out, const struct spec *spec, const WCHAR *text)
{
    if (text == NULL)
        text = u"(null)";
    int length = wide_length(text, spec->precision);
    if (!spec->left)
        put_repeated(out, ' ', spec->width - length);
    for (int i = 0; i < length; i++)
        put_wide(out, text[i]);
    if (spec->left)
        put_repeated(out, ' ', spec->width - length);
}

/* Writes the digits of value backwards, ending at end; returns where they start. */
static char *digits(char *end, uint64_t value, unsigned base, bool upper)
{
    const char *set = upper ? "0123456789ABCDEF" : "0123456789abcdef";
    while (value != 0) {
        *--end = set[value % base];
        value /= base;
    }
    return end;
}

static void put_number(struct output *out, const struct spec *spec, uint64_t value, unsigned base, bool upper,
                       const char *prefix)
{
    char text[24];
    char *end = text + sizeof text;
    const char *start = digits(end, value, base, upper);
    int count = (int)(end - start);
    int precision = spec->precision < 0 ? 1 : spec->precision;
    int prefix_length = string_length(prefix, -1);
    int zeros = MAX(0, precision - count);
    if (spec->zero && !spec->left && spec->precision < 0)
        zeros = MAX(zeros, spec->width - prefix_length - count);
    int total = prefix_length + zeros + count;
    if (!spec->left)
        put_repeated(out, ' ', spec->width - total);
    while (*prefix)
        put(out, *prefix++);
    put_repeated(out, '0', zeros);
    while (start != end)
        put(out, *start++);
    if (spec->left)
        put_repeated(out, ' ', spec->width - total);
}

static int64_t signed_argument(const struct spec *spec, va_list *arguments)
{
    if (spec->size_bytes == 8)
        return va_arg(*arguments, int64_t);
    int value = va_arg(*arguments, int);
    return spec->size_bytes == 2 ? (short)value : spec->size_bytes == 1 ? (signed char)value : value;
}

static uint64_t unsigned_argument(const struct spec *spec, va_list *arguments)
{
    if (spec->size_bytes == 8)
        return va_arg(*arguments, uint64_t);
    unsigned value = va_arg(*arguments, unsigned);
    return spec->size_bytes == 2 ? (uint16_t)value : spec->size_bytes == 1 ? (uint8_t)value : value;
}

static void put_signed(struct output *out, const struct spec *spec, va_list *arguments)
{
    int64_t value = signed_argument(spec, arguments);
    uint64_t magnitude = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    put_number(out, spec, magnitude, 10, false, value < 0 ? "-" : spec->plus ? "+" : spec->space ? " " : "");
}

static void put_hex(struct output *out, const struct spec *spec, va_list *arguments, bool upper)
{
    uint64_t value = unsigned_argument(spec, arguments);
    put_number(out, spec, value, 16, upper, spec->alternate && value ? upper ? "0X" : "0x" : "");
}

static const char *parse_flags(const char *f, struct spec *spec)
{
    for (;; f++) {
        switch (*f) {
        case '-':
            spec->left = true;
            continue;
        case '0':
            spec->zero = true;
            continue;
        case '+':
            spec->plus = true;
            continue;
        case ' ':
            spec->space = true;
            continue;
        case '#':
            spec->alternate = true;
            continue;
        default:
            return f;
        }
    }
}

static const char *parse_count(const char *f, int *count, va_list *arguments)
{
    if (*f == '*') {
        *count = va_arg(*arguments, int);
        return f + 1;
    }
    for (*count = 0; *f >= '0' && *f <= '9'; f++)
        *count = *count * 10 + (*f - '0');
    return f;
}

static const char *parse_length(const char *f, struct spec *spec)
{
    spec->size_bytes = 4;
    for (;; f++) {
        if (*f == 'l' || *f == 'z' || *f == 'j' || *f == 't')
            spec->size_bytes = 8;
        else if (*f == 'h')
            spec->size_bytes = spec->size_bytes == 2 ? 1 : 2;
        else if (*f == 'w')
            spec->wide = true;
        else
            return f;
    }
}

static const char *parse_spec(const char *f, struct spec *spec, va_list *arguments)
{
    f = parse_flags(f, spec);
    f = parse_count(f, &spec->width, arguments);
    if (spec->width < 0) {
        spec->left = true;
        spec->width = -spec->width;
    }
    spec->precision = -1;
    if (*f == '.')
        f = parse_count(f + 1, &spec->precision, arguments);
    return parse_length(f, spec);
}

static void put_conversion(struct output *out, const struct spec *spec, char conversion, va_list *arguments)
{
    struct spec hex = *spec;
    char c;
    switch (conversion) {
    case 'd':
    case 'i':
        put_signed(out, spec, arguments);
        break;
    case 'u':
        put_number(out, spec, unsigned_argument(spec, arguments), 10, false, "");
        break;
    case 'o':
        put_number(out, spec, unsigned_argument(spec, arguments), 8, false, "");
        break;
    case 'x':
    case 'X':
        put_hex(out, spec, arguments, conversion == 'X');
        break;
    case 'p':
        hex.size_bytes = 8;
        put_number(out, &hex, (uint64_t)(uintptr_t)va_arg(*arguments, void *), 16, false, "0x");
        break;
    case 's':
        if (spec->wide)
            put_wide_string(out, spec, va_arg(*arguments, const WCHAR *));
        else
            put_string(out, spec, va_arg(*arguments, const char *));
        break;
    case 'c':
        c = (char)va_arg(*arguments, int);
        put_text(out, spec, &c, 1);
        break;
    default:
        put(out, '%');
        if (conversion != '%')
            put(out, conversion);
    }
}

int host_vsnprintf(char *buffer, size_t size, const char *format, va_list arguments)
{
    struct output out = {buffer, size, 0};
    va_list copy;
    va_copy(copy, arguments);
    for (const char *f = format; *f; f++) {
        if (*f != '%') {
            put(&out, *f);
            continue;
        }
        struct spec spec = {0};
        f = parse_spec(f + 1, &spec, &copy);
        if (*f == 0)
            break;
        put_conversion(&out, &spec, *f, &copy);
    }
    va_end(copy);
    if (size > 0)
        buffer[MIN(out.length, size - 1)] = 0;
    return (int)out.length;
}

int host_snprintf(char *buffer, size_t size, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = host_vsnprintf(buffer, size, format, arguments);
    va_end(arguments);
    return length;
}
