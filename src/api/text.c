/* SPDX-License-Identifier: MIT */
/* A text that grows as it is written. */
#include <stdio.h>
#include <stdlib.h>
#include "api/api.h"

void text_add(struct text *text, const char *format, ...)
{
    va_list args, again;

    va_start(args, format);
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (length > 0 && text->length + (size_t)length + 1 > text->room) {
        text->room = (text->length + (size_t)length + 1) * 2;
        text->bytes = realloc(text->bytes, text->room);
    }
    if (length > 0 && text->bytes != NULL) {
        vsnprintf(text->bytes + text->length, text->room - text->length, format, again);
        text->length += (size_t)length;
    }
    va_end(again);
}

void text_add_json(struct text *text, const char *string)
{
    text_add(text, "\"");
    for (; *string != '\0'; string++) {
        unsigned char c = (unsigned char)*string;
        if (c == '"' || c == '\\')
            text_add(text, "\\%c", c);
        else if (c < 0x20)
            text_add(text, "\\u%04x", c);
        else
            text_add(text, "%c", c);
    }
    text_add(text, "\"");
}
