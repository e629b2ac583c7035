/* SPDX-License-Identifier: MIT */
/*
 * The small grammar of a command line: words, "quoted text", @"quoted file names", numbers, data.
 * Names are literal: a backslash is no escape, neither outside nor inside quotes.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "cli.h"

#define MAX_DATA_BYTES (64u << 20)

bool words_split(struct words *words, const char *line, const char **error)
{
    char *out = words->storage;
    char *end = words->storage + sizeof(words->storage) - 1;

    words->count = 0;
    for (;;) {
        while (isspace((unsigned char)*line))
            line++;
        if (*line == '\0' || *line == '#')
            return true;
        if (words->count == MAX_WORDS) {
            *error = "too many words";
            return false;
        }
        bool file = line[0] == '@' && line[1] == '"'; /* @"a file": no text, though its name is in quotes */
        words->quoted[words->count] = *line == '"';
        words->text[words->count++] = out;
        if (file && out < end)
            *out++ = *line++;
        bool quoted = *line == '"';
        if (quoted)
            line++;
        while (*line != '\0' && (quoted ? *line != '"' : !isspace((unsigned char)*line)) && out < end)
            *out++ = *line++;
        if (out >= end) {
            *error = "the line is too long";
            return false;
        }
        if (quoted && *line++ != '"') {
            *error = "a quotation mark is not closed";
            return false;
        }
        *out++ = '\0';
    }
}

bool parse_number(const char *text, unsigned long long *value)
{
    char *end;

    if (!isdigit((unsigned char)text[0]))
        return false;
    errno = 0;
    *value = strtoull(text, &end, 0);
    if (errno != 0)
        return false;
    if (*end == 'K' || *end == 'M' || *end == 'G') {
        unsigned shift = *end == 'K' ? 10 : *end == 'M' ? 20 : 30;
        if (*value >> (64 - shift) != 0)
            return false;
        *value <<= shift;
        end++;
    }
    return *end == '\0';
}

static bool data_allocate(struct data *data, unsigned long long length, const char **error)
{
    if (length > MAX_DATA_BYTES) {
        *error = "data of more than 64 MiB";
        return false;
    }
    data->length = length;
    data->bytes = calloc(1, length != 0 ? length : 1);
    return data->bytes != NULL;
}

static bool hex_data(struct data *data, const char *text, const char **error)
{
    size_t digits = strlen(text);

    if (digits % 2 != 0 || strspn(text, "0123456789abcdefABCDEF") != digits) {
        *error = "hex: wants pairs of hexadecimal digits";
        return false;
    }
    if (!data_allocate(data, digits / 2, error))
        return false;
    for (size_t i = 0; i < digits / 2; i++) {
        char pair[3] = {text[2 * i], text[2 * i + 1], 0};
        data->bytes[i] = (unsigned char)strtoul(pair, NULL, 16);
    }
    return true;
}

static bool file_data(struct data *data, const char *path, const char **error)
{
    static char message[512];
    struct stat status;
    FILE *file = fopen(path, "rb");
    bool ok = false;

    if (file != NULL && fstat(fileno(file), &status) == 0 && S_ISREG(status.st_mode) &&
        data_allocate(data, (unsigned long long)status.st_size, error))
        ok = fread(data->bytes, 1, data->length, file) == data->length;
    if (file != NULL)
        fclose(file);
    if (!ok) {
        snprintf(message, sizeof(message), "cannot read %s", path);
        *error = message;
    }
    return ok;
}

static bool random_data(struct data *data, const char *text, const char **error)
{
    char count[32];
    unsigned long long length, seed;
    const char *colon = strchr(text, ':');

    if (colon == NULL || (size_t)(colon - text) >= sizeof(count)) {
        *error = "random: wants LENGTH:SEED";
        return false;
    }
    memcpy(count, text, (size_t)(colon - text));
    count[colon - text] = '\0';
    if (!parse_number(count, &length) || !parse_number(colon + 1, &seed)) {
        *error = "random: wants LENGTH:SEED";
        return false;
    }
    if (!data_allocate(data, length, error))
        return false;
    for (size_t i = 0; i < data->length; i++) { /* SplitMix64, a byte a step */
        uint64_t z = seed += 0x9E3779B97F4A7C15u;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
        data->bytes[i] = (unsigned char)(z ^ (z >> 31));
    }
    return true;
}

bool data_parse(struct data *data, const char *word, bool quoted, const char **error)
{
    unsigned long long length;

    data->bytes = NULL;
    if (quoted) {
        if (!data_allocate(data, strlen(word), error))
            return false;
        memcpy(data->bytes, word, data->length);
        return true;
    }
    if (strncmp(word, "hex:", 4) == 0)
        return hex_data(data, word + 4, error);
    if (word[0] == '@')
        return file_data(data, word + 1, error);
    if (strncmp(word, "zero:", 5) == 0 && parse_number(word + 5, &length))
        return data_allocate(data, length, error);
    if (strncmp(word, "random:", 7) == 0)
        return random_data(data, word + 7, error);
    *error = "data is \"text\", hex:0a0b, @file, zero:N or random:N:SEED";
    return false;
}

static unsigned distance(const char *a, const char *b)
{
    size_t n = strlen(a), m = strlen(b);
    unsigned row[64];

    if (n > 60 || m > 60)
        return 99;
    for (size_t j = 0; j <= m; j++)
        row[j] = (unsigned)j;
    for (size_t i = 1; i <= n; i++) {
        unsigned diagonal = row[0];
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= m; j++) {
            unsigned change = diagonal + (a[i - 1] != b[j - 1]);
            unsigned least = row[j] < row[j - 1] ? row[j] + 1 : row[j - 1] + 1;
            diagonal = row[j];
            row[j] = change < least ? change : least;
        }
    }
    return row[m];
}

const char *nearest(const char *word, const char *const *candidates, unsigned count)
{
    const char *best = NULL;
    unsigned best_distance = (unsigned)strlen(word) / 2 + 2;

    for (unsigned i = 0; i < count; i++) {
        unsigned d = distance(word, candidates[i]);
        if (d < best_distance) {
            best_distance = d;
            best = candidates[i];
        }
    }
    return best;
}
