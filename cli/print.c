/* SPDX-License-Identifier: MIT */
/*
 * Output. As text: one line per command, `what: STATUS, Information n, data
 * hex "text"`. With --json: one JSON object per line, "event" first. What a
 * person must see even with --quiet goes through print_note and print_report.
 */
#include <ctype.h>
#include <inttypes.h>
#include <string.h>
#include "cli.h"

#define DATA_SHOWN 256 /* bytes of data printed; JSON prints all */

const char *status_text(rgl_status status, char *buffer, size_t size)
{
    const char *name = rgl_status_name(status);

    if (name != NULL)
        return name;
    snprintf(buffer, size, "0x%08X", (unsigned)status);
    return buffer;
}

void print_json_string(FILE *out, const char *text)
{
    fputc('"', out);
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\')
            fprintf(out, "\\%c", c);
        else if (c < 0x20)
            fprintf(out, "\\u%04x", c);
        else
            fputc(c, out);
    }
    fputc('"', out);
}

static void print_hex(const struct result *result, size_t length)
{
    for (size_t i = 0; i < length; i++)
        printf("%02x", result->data[i]);
}

static void print_data(const struct result *result)
{
    size_t shown = result->length < DATA_SHOWN ? result->length : DATA_SHOWN;

    fputs(", data ", stdout);
    print_hex(result, shown);
    fputs(shown < result->length ? "... \"" : " \"", stdout);
    for (size_t i = 0; i < shown; i++)
        fputc(isprint(result->data[i]) ? result->data[i] : '.', stdout);
    fputc('"', stdout);
}

static void print_result_json(const char *what, const struct result *result)
{
    char buffer[16];

    fputs("{\"event\":\"command\",\"command\":", stdout);
    print_json_string(stdout, what);
    printf(",\"status\":\"%s\",\"code\":%" PRIu32, status_text(result->status, buffer, sizeof(buffer)),
           (uint32_t)result->status);
    if (result->has_information)
        printf(",\"information\":%" PRIu64, result->information);
    if (result->has_data) {
        fputs(",\"data\":\"", stdout);
        print_hex(result, result->length);
        fputc('"', stdout);
    }
    puts("}");
}

void print_result(const struct printer *printer, const char *what, const struct result *result)
{
    char buffer[16];

    if (printer->quiet)
        return;
    if (printer->json) {
        print_result_json(what, result);
        return;
    }
    printf("%s: %s", what, status_text(result->status, buffer, sizeof(buffer)));
    if (result->has_information)
        printf(", Information %" PRIu64, result->information);
    if (result->has_data && result->length != 0)
        print_data(result);
    putchar('\n');
}

void print_note(const struct printer *printer, const char *kind, const char *text)
{
    if (printer->json) {
        printf("{\"event\":\"%s\",\"text\":", kind);
        print_json_string(stdout, text);
        puts("}");
    } else {
        puts(text);
    }
}

void print_info(const struct printer *printer, const char *kind, const char *text)
{
    if (!printer->quiet)
        print_note(printer, kind, text);
}

void print_debug(const struct printer *printer, const char *driver, const char *line)
{
    if (printer->quiet)
        return;
    if (!printer->json) {
        printf("[%s] %s\n", driver, line);
        return;
    }
    fputs("{\"event\":\"debug\",\"driver\":", stdout);
    print_json_string(stdout, driver);
    fputs(",\"text\":", stdout);
    print_json_string(stdout, line);
    puts("}");
}

static void print_report_json(const struct rgl_report *report, const char *replay)
{
    printf("{\"event\":\"%s\",\"code\":%" PRIu32 ",\"name\":\"%s\",\"parameters\":[",
           report->verifier ? "violation" : "bugcheck", report->code, report->name);
    for (int i = 0; i < 4; i++)
        printf("%s\"0x%" PRIx64 "\"", i ? "," : "", report->parameters[i]);
    fputs("],\"sentence\":", stdout);
    print_json_string(stdout, report->sentence);
    fputs(",\"report\":", stdout);
    print_json_string(stdout, report->text);
    if (replay != NULL) {
        fputs(",\"replay\":", stdout);
        print_json_string(stdout, replay);
    }
    puts("}");
}

void print_report(const struct printer *printer, const struct rgl_report *report, const char *replay)
{
    if (printer->json) {
        print_report_json(report, replay);
        return;
    }
    fputs(report->text, stdout);
    if (replay != NULL)
        printf("  replay: %s\n", replay);
}
