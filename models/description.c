/* SPDX-License-Identifier: MIT */
/*
 * Taking descriptions of models apart: name[,key=value...], numbers.
 */
#include "models/model.h"
#include "host/host.h"
#include "nt/status.h"

static bool same(const char *a, const char *b)
{
    return __builtin_strcmp(a, b) == 0;
}

static char *cut(char *text, char at)
{
    while (*text != '\0' && *text != at)
        text++;
    if (*text == '\0')
        return NULL;
    *text = '\0';
    return text + 1;
}

bool model_parse(struct model_description *description, const char *text, char *message, size_t size)
{
    char *next;

    *description = (struct model_description){.name = description->text};
    if (__builtin_strlen(text) >= sizeof(description->text)) {
        host_snprintf(message, size, "the description is longer than %u characters",
                      (unsigned)sizeof(description->text) - 1);
        return false;
    }
    __builtin_memcpy(description->text, text, __builtin_strlen(text) + 1);
    for (next = cut(description->text, ','); next != NULL;) {
        struct model_argument *argument = &description->arguments[description->count];
        char *after = cut(next, ','), *value = cut(next, '=');

        if (*next == '\0' || description->count == MODEL_ARGUMENTS) {
            host_snprintf(message, size,
                          *next == '\0' ? "a key is missing behind a comma" : "there are too many keys");
            return false;
        }
        if (same(next, "name") && value != NULL) {
            description->instance = value;
        } else {
            *argument = (struct model_argument){next, value != NULL ? value : ""};
            description->count++;
        }
        next = after;
    }
    return true;
}

const char *model_value(const struct model_description *description, const char *key)
{
    for (unsigned i = 0; i < description->count; i++) {
        if (same(description->arguments[i].key, key))
            return description->arguments[i].value;
    }
    return NULL;
}

bool model_only_keys(const struct model_description *description, const char *const *keys, char *message,
                     size_t size)
{
    for (unsigned i = 0; i < description->count; i++) {
        const char *const *key = keys;
        while (*key != NULL && !same(*key, description->arguments[i].key))
            key++;
        if (*key == NULL) {
            host_snprintf(message, size, "%s has no key '%s'", description->name,
                          description->arguments[i].key);
            return false;
        }
    }
    return true;
}

static int digit_of(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : 99;
}

static unsigned suffix_shift(char c)
{
    c = (char)(c | 0x20);
    return c == 'k' ? 10 : c == 'm' ? 20 : c == 'g' ? 30 : 0;
}

bool model_number(const char *text, uint64_t *value)
{
    int base = text[0] == '0' && (text[1] | 0x20) == 'x' ? 16 : 10;
    const char *start = text + (base == 16 ? 2 : 0), *at = start;
    unsigned shift;

    for (*value = 0; digit_of(*at) < base; at++) {
        if (__builtin_mul_overflow(*value, (uint64_t)base, value) ||
            __builtin_add_overflow(*value, (uint64_t)digit_of(*at), value))
            return false;
    }
    if (at == start)
        return false;
    shift = suffix_shift(*at);
    if (*value > ~0ull >> shift)
        return false;
    *value <<= shift;
    return at[shift != 0] == '\0';
}
