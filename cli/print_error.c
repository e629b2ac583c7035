/* SPDX-License-Identifier: MIT */
/* An entry of the error log: one line of text, or one JSON object. */
#include <inttypes.h>
#include <string.h>
#include "cli.h"

static void print_strings(const struct rgl_error *error, bool json)
{
    for (unsigned i = 0; i < error->string_count; i++) {
        fputs(i == 0 ? "" : json ? "," : " ", stdout);
        if (json)
            print_json_string(stdout, error->strings[i]);
        else
            printf("\"%s\"", error->strings[i]);
    }
}

static void print_json(const struct rgl_error *error)
{
    fputs("{\"event\":\"error\",\"driver\":", stdout);
    print_json_string(stdout, error->driver);
    fputs(",\"device\":", stdout);
    print_json_string(stdout, error->device);
    printf(",\"code\":%" PRIu32 ",\"unique\":%" PRIu32 ",\"status\":%" PRIu32, error->code, error->unique,
           error->final_status);
    printf(",\"major\":%u,\"retries\":%u,\"category\":%u,\"sequence\":%" PRIu32, error->major, error->retries,
           error->category, error->sequence);
    printf(",\"control\":%" PRIu32 ",\"offset\":%" PRId64 ",\"dump\":\"", error->control_code,
           error->device_offset);
    for (size_t i = 0; i < error->dump_length; i++)
        printf("%02x", ((const unsigned char *)error->dump)[i]);
    fputs("\",\"strings\":[", stdout);
    print_strings(error, true);
    puts("]}");
}

/* Dump data by its ULONGs, as the driver put it there. */
static void print_dump(const struct rgl_error *error)
{
    for (size_t i = 0; i + sizeof(uint32_t) <= error->dump_length; i += sizeof(uint32_t)) {
        uint32_t value;
        memcpy(&value, (const char *)error->dump + i, sizeof(value));
        printf("%s%08" PRIx32, i == 0 ? ", dump " : " ", value);
    }
}

static void print_text(const struct rgl_error *error)
{
    char buffer[16];

    printf("error log: %s%s%s: error 0x%08" PRIX32 ", unique %" PRIu32 ", final status %s", error->driver,
           error->device[0] != '\0' ? " " : "", error->device, error->code, error->unique,
           status_text((rgl_status)error->final_status, buffer, sizeof(buffer)));
    if (error->retries != 0)
        printf(", %u retries", error->retries);
    print_dump(error);
    if (error->string_count != 0)
        fputs(", strings ", stdout);
    print_strings(error, false);
    putchar('\n');
}

void print_error(const struct printer *printer, const struct rgl_error *error)
{
    if (printer->quiet)
        return;
    if (printer->json)
        print_json(error);
    else
        print_text(error);
}
