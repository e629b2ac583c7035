/* SPDX-License-Identifier: MIT */
/*
 * The kernel's printf engine, one for narrow and for wide output. What differs
 * from ISO C: %S %C take the other width, %hs %ls %ws fix it, %Z and %wZ take
 * counted strings, %I64 %I32 %I are sizes, %p is 16 upper-case digits, the
 * flag 0 pads strings too, an unknown conversion prints its letter. Floating
 * point is not supported (documented for DbgPrint): such a conversion takes
 * its argument and prints nothing. Works without glibc, at any IRQL.
 */
#include "rtl/rtl.h"
#include "rtl/nls.h"
#include "rtl/printf.h"

enum size { SIZE_INT, SIZE_CHAR, SIZE_SHORT, SIZE_64 };

struct spec {
    bool left, plus, space, alternate, zero;
    bool narrow, wide;    /* h and l/w in front of a character or string */
    int width, precision; /* precision -1: none given */
    enum size size;
};

/* The format and the output, each narrow or wide. */
struct job {
    const void *format;
    size_t at;
    const uint64_t *argument; /* Microsoft's va_list: one slot of 8 bytes for each */
    void *buffer;
    size_t room, length; /* characters; length counts what did not fit, too */
    bool wide;
};

static WCHAR peek(const struct job *job)
{
    return job->wide ? ((const WCHAR *)job->format)[job->at] : ((const UCHAR *)job->format)[job->at];
}

static void put(struct job *job, WCHAR c)
{
    if (job->length < job->room) {
        if (job->wide)
            ((WCHAR *)job->buffer)[job->length] = c;
        else
            ((CHAR *)job->buffer)[job->length] = (CHAR)c;
    }
    job->length++;
}

static void pad(struct job *job, WCHAR c, int count)
{
    while (count-- > 0)
        put(job, c);
}

/* One character of a string of either width, in the output's encoding. */
static void put_character(struct job *job, WCHAR c, bool from_wide)
{
    if (from_wide && !job->wide)
        c = rtl_wide_to_byte(&rtl_ansi, c, NULL);
    else if (!from_wide && job->wide)
        c = rtl_byte_to_wide(&rtl_ansi, (UCHAR)c);
    put(job, c);
}

static void put_text(struct job *job, const struct spec *spec, const void *text, size_t length,
                     bool from_wide)
{
    int fill = length < (size_t)spec->width ? spec->width - (int)length : 0;
    if (!spec->left)
        pad(job, spec->zero ? '0' : ' ', fill);
    for (size_t i = 0; i < length; i++)
        put_character(job, from_wide ? ((const WCHAR *)text)[i] : ((const UCHAR *)text)[i], from_wide);
    if (spec->left)
        pad(job, ' ', fill);
}

static size_t bounded_length(const void *text, bool wide, int precision)
{
    size_t n = 0, limit = precision < 0 ? SIZE_MAX : (size_t)precision;
    while (n < limit && (wide ? ((const WCHAR *)text)[n] : ((const UCHAR *)text)[n]))
        n++;
    return n;
}

/* %s and %c: is the argument wide? Capital letters mean the width that the output has not. */
static bool takes_wide(const struct job *job, const struct spec *spec, bool capital)
{
    if (spec->narrow)
        return false;
    if (spec->wide)
        return true;
    return job->wide != capital;
}

static void convert_string(struct job *job, const struct spec *spec, bool capital)
{
    const void *text = (const void *)*job->argument++;
    bool wide = takes_wide(job, spec, capital);
    if (!text) {
        text = "(null)";
        wide = false;
    }
    put_text(job, spec, text, bounded_length(text, wide, spec->precision), wide);
}

static void convert_character(struct job *job, const struct spec *spec, bool capital)
{
    bool wide = takes_wide(job, spec, capital);
    WCHAR c = (WCHAR)*job->argument++;
    UCHAR byte = (UCHAR)c;
    put_text(job, spec, wide ? (const void *)&c : &byte, 1, wide);
}

/* %Z: a STRING, %wZ a UNICODE_STRING. */
static void convert_counted(struct job *job, const struct spec *spec)
{
    const STRING *string = (const STRING *)*job->argument++;
    if (!string || !string->Buffer) {
        put_text(job, spec, "(null)", bounded_length("(null)", false, spec->precision), false);
        return;
    }
    size_t length = spec->wide ? string->Length / sizeof(WCHAR) : string->Length;
    if (spec->precision >= 0 && (size_t)spec->precision < length)
        length = spec->precision;
    put_text(job, spec, string->Buffer, length, spec->wide);
}

struct number {
    uint64_t value;
    unsigned base;
    bool upper;
    WCHAR sign; /* 0: none */
};

static void put_number(struct job *job, const struct spec *spec, const struct number *number)
{
    char digits[72];
    int n = 0, precision = spec->precision < 0 ? 1 : spec->precision;
    for (uint64_t v = number->value; v; v /= number->base)
        digits[n++] = (number->upper ? "0123456789ABCDEF" : "0123456789abcdef")[v % number->base];
    int zeros = precision > n ? precision - n : 0;
    if (spec->alternate && number->base == 8 && zeros == 0 && number->value)
        zeros = 1;
    bool prefix = spec->alternate && number->base == 16 && number->value;
    int fill = spec->width - n - zeros - (prefix ? 2 : 0) - (number->sign ? 1 : 0);
    if (spec->zero && !spec->left && spec->precision < 0 && fill > 0) {
        zeros += fill;
        fill = 0;
    }
    if (!spec->left)
        pad(job, ' ', fill);
    if (number->sign)
        put(job, number->sign);
    if (prefix) {
        put(job, '0');
        put(job, number->upper ? 'X' : 'x');
    }
    pad(job, '0', zeros);
    while (n)
        put(job, digits[--n]);
    if (spec->left)
        pad(job, ' ', fill);
}

static int64_t sign_extend(uint64_t v, enum size size)
{
    switch (size) {
    case SIZE_CHAR:
        return (int8_t)v;
    case SIZE_SHORT:
        return (int16_t)v;
    case SIZE_64:
        return (int64_t)v;
    default:
        return (int32_t)v;
    }
}

static uint64_t zero_extend(uint64_t v, enum size size)
{
    switch (size) {
    case SIZE_CHAR:
        return (uint8_t)v;
    case SIZE_SHORT:
        return (uint16_t)v;
    case SIZE_64:
        return v;
    default:
        return (uint32_t)v;
    }
}

static void convert_signed(struct job *job, const struct spec *spec)
{
    int64_t value = sign_extend(*job->argument++, spec->size);
    struct number number = {value < 0 ? 0 - (uint64_t)value : (uint64_t)value, 10, false,
                            value < 0     ? '-'
                            : spec->plus  ? '+'
                            : spec->space ? ' '
                                          : 0};
    put_number(job, spec, &number);
}

static void convert_unsigned(struct job *job, const struct spec *spec, unsigned base, bool upper)
{
    struct number number = {zero_extend(*job->argument++, spec->size), base, upper, 0};
    put_number(job, spec, &number);
}

static void convert_pointer(struct job *job, struct spec *spec)
{
    spec->size = SIZE_64;
    spec->precision = 16;
    convert_unsigned(job, spec, 16, true);
}

/* %n: stores how many characters were produced so far. */
static void store_count(struct job *job, const struct spec *spec)
{
    void *to = (void *)*job->argument++;
    if (!to)
        return;
    if (spec->size == SIZE_SHORT)
        *(SHORT *)to = (SHORT)job->length;
    else if (spec->size == SIZE_64)
        *(LONGLONG *)to = (LONGLONG)job->length;
    else
        *(LONG *)to = (LONG)job->length;
}

static bool take(struct job *job, WCHAR c)
{
    if (peek(job) != c)
        return false;
    job->at++;
    return true;
}

static void parse_flags(struct job *job, struct spec *spec)
{
    for (;; job->at++) {
        switch (peek(job)) {
        case '-':
            spec->left = true;
            break;
        case '+':
            spec->plus = true;
            break;
        case ' ':
            spec->space = true;
            break;
        case '#':
            spec->alternate = true;
            break;
        case '0':
            spec->zero = true;
            break;
        default:
            return;
        }
    }
}

/* A number in the format, or * for one from the arguments. */
static int parse_count(struct job *job)
{
    if (take(job, '*'))
        return (int)*job->argument++;
    int n = 0;
    while (peek(job) >= '0' && peek(job) <= '9' && n < 100000)
        n = n * 10 + (peek(job) - '0'), job->at++;
    return n;
}

/* I64, I32 and I alone (pointer size). */
static void parse_microsoft_size(struct job *job, struct spec *spec)
{
    spec->size = SIZE_64;
    if (peek(job) == '6') {
        job->at++;
        take(job, '4');
    } else if (peek(job) == '3') {
        job->at++;
        take(job, '2');
        spec->size = SIZE_INT;
    }
}

static void parse_size(struct job *job, struct spec *spec)
{
    for (;;) {
        if (take(job, 'h')) {
            spec->size = spec->narrow ? SIZE_CHAR : SIZE_SHORT;
            spec->narrow = true;
        } else if (take(job, 'l')) {
            spec->size = spec->wide ? SIZE_64 : SIZE_INT;
            spec->wide = true;
        } else if (take(job, 'w')) {
            spec->wide = true;
        } else if (take(job, 'I')) {
            parse_microsoft_size(job, spec);
        } else if (take(job, 'z') || take(job, 'j') || take(job, 't')) {
            spec->size = SIZE_64;
        } else if (!take(job, 'L')) {
            return;
        }
    }
}

static void parse_spec(struct job *job, struct spec *spec)
{
    *spec = (struct spec){.precision = -1};
    parse_flags(job, spec);
    spec->width = parse_count(job);
    if (spec->width < 0) {
        spec->left = true;
        spec->width = -spec->width;
    }
    if (take(job, '.'))
        spec->precision = parse_count(job);
    parse_size(job, spec);
}

static void convert(struct job *job, struct spec *spec, WCHAR letter)
{
    switch (letter) {
    case 'd':
    case 'i':
        convert_signed(job, spec);
        break;
    case 'u':
        convert_unsigned(job, spec, 10, false);
        break;
    case 'o':
        convert_unsigned(job, spec, 8, false);
        break;
    case 'x':
    case 'X':
        convert_unsigned(job, spec, 16, letter == 'X');
        break;
    case 'p':
        convert_pointer(job, spec);
        break;
    case 's':
    case 'S':
        convert_string(job, spec, letter == 'S');
        break;
    case 'c':
    case 'C':
        convert_character(job, spec, letter == 'C');
        break;
    case 'Z':
        convert_counted(job, spec);
        break;
    case 'n':
        store_count(job, spec);
        break;
    case 'e':
    case 'E':
    case 'f':
    case 'g':
    case 'G':
    case 'a':
    case 'A':
        job->argument++;
        break;
    default:
        put(job, letter);
    }
}

static size_t run(struct job *job)
{
    for (; peek(job); job->at++) {
        if (peek(job) != '%') {
            put(job, peek(job));
            continue;
        }
        struct spec spec;
        job->at++;
        parse_spec(job, &spec);
        if (!peek(job))
            break;
        convert(job, &spec, peek(job));
    }
    return job->length;
}

size_t rtl_format(char *buffer, size_t room, const char *format, __builtin_ms_va_list args)
{
    struct job job = {format, 0, (const uint64_t *)args, buffer, room, 0, false};
    return run(&job);
}

size_t rtl_format_wide(WCHAR *buffer, size_t room, const WCHAR *format, __builtin_ms_va_list args)
{
    struct job job = {format, 0, (const uint64_t *)args, buffer, room, 0, true};
    return run(&job);
}

/* What _vsnprintf returns: the length, -1 if it is more than fits; a terminator only where there is room. */
int rtl_vsnprintf(char *buffer, size_t size, const char *format, __builtin_ms_va_list args)
{
    size_t length = rtl_format(buffer, size, format, args);
    if (length < size)
        buffer[length] = 0;
    return length <= size || !buffer ? (int)length : -1;
}

int rtl_vsnwprintf(WCHAR *buffer, size_t count, const WCHAR *format, __builtin_ms_va_list args)
{
    size_t length = rtl_format_wide(buffer, count, format, args);
    if (length < count)
        buffer[length] = 0;
    return length <= count || !buffer ? (int)length : -1;
}
