/* SPDX-License-Identifier: MIT */
/*
 * Loading a .reg file (as regedit exports it) into the registry. Lines before
 * a mistake have taken effect; the mistake is named with its line.
 */
#include "cm/reg_text.h"
#include "host/host.h"
#include "rtl/rtl.h"

#define MAX_PATH_CHARS 0x4000

/* Where the loader stands. */
struct loading {
    struct reg_text text;
    WCHAR *path;  /* of the current key, MAX_PATH_CHARS; empty: none yet */
    bool removed; /* [-key]: values may not follow */
};

static bool take_header(struct reg_text *text)
{
    if (!reg_skip_blank(text))
        return reg_fail(text, "the file is empty");
    if (reg_take(text, "REGEDIT4"))
        text->ansi_strings = true;
    else if (!reg_take(text, "Windows Registry Editor Version 5.00"))
        return reg_fail(text,
                        "'Windows Registry Editor Version 5.00' or 'REGEDIT4' is expected in the first line");
    return reg_end_line(text);
}

/* The registry's own name for a root that regedit writes. */
static const WCHAR *take_root(struct reg_text *text)
{
    static const struct {
        const char *word;
        const WCHAR *path;
    } roots[] = {
        {"HKEY_LOCAL_MACHINE", u"\\Registry\\Machine"},
        {"HKLM", u"\\Registry\\Machine"},
        {"HKEY_USERS", u"\\Registry\\User"},
        {"HKU", u"\\Registry\\User"},
        {"HKEY_CURRENT_USER", u"\\Registry\\User\\.Default"},
        {"HKCU", u"\\Registry\\User\\.Default"},
        {"HKEY_CLASSES_ROOT", u"\\Registry\\Machine\\Software\\Classes"},
        {"HKCR", u"\\Registry\\Machine\\Software\\Classes"},
        {"HKEY_CURRENT_CONFIG",
         u"\\Registry\\Machine\\System\\CurrentControlSet\\Hardware Profiles\\Current"},
        {"\\Registry", u"\\Registry"},
    };
    for (unsigned i = 0; i < countof(roots); i++)
        if (reg_take(text, roots[i].word))
            return roots[i].path;
    return NULL;
}

/* The end of the key's name: the last ']' of the line, as names may contain one. */
static const WCHAR *closing_bracket(const struct reg_text *text)
{
    const WCHAR *last = NULL;
    for (const WCHAR *at = text->at; at < text->end && *at != '\n' && *at != '\r'; at++)
        if (*at == ']')
            last = at;
    return last;
}

static bool set_path(struct loading *loading, const WCHAR *root, const WCHAR *from, const WCHAR *to)
{
    size_t head = rtl_wcslen(root), tail = (size_t)(to - from);
    if (tail && *from != '\\')
        return reg_fail(&loading->text, "a key that begins with no known root");
    if (head + tail >= MAX_PATH_CHARS)
        return reg_fail(&loading->text, "a key's name that is too long");
    memcpy(loading->path, root, head * sizeof(WCHAR));
    memcpy(loading->path + head, from, tail * sizeof(WCHAR));
    loading->path[head + tail] = 0;
    return true;
}

static bool take_key(struct loading *loading)
{
    struct reg_text *text = &loading->text;
    loading->removed = reg_take(text, "-");
    const WCHAR *root = take_root(text), *end = closing_bracket(text);
    if (!root)
        return reg_fail(text, "a key that begins with no known root");
    if (!end)
        return reg_fail(text, "']' is expected at the end of the key");
    if (!set_path(loading, root, text->at, end))
        return false;
    text->at = end + 1;
    NTSTATUS status = STATUS_SUCCESS;
    if (!loading->removed)
        status = cm_create_key(loading->path);
    else if (cm_key_exists(loading->path))
        status = cm_delete_tree(loading->path);
    if (!NT_SUCCESS(status))
        return reg_fail(text, "the key cannot be made or removed");
    return reg_end_line(text);
}

static bool store(struct loading *loading, const WCHAR *name, const struct reg_data *data)
{
    NTSTATUS status;
    if (!loading->path[0] || loading->removed)
        return reg_fail(&loading->text, "a value without a key before it");
    if (data->remove)
        status = cm_delete_value(loading->path, name);
    else
        status = cm_set_value(loading->path, name, data->type, data->bytes, data->length);
    if (!NT_SUCCESS(status) && !(data->remove && status == STATUS_OBJECT_NAME_NOT_FOUND))
        return reg_fail(&loading->text, "the value cannot be set");
    return true;
}

static bool take_value(struct loading *loading)
{
    struct reg_text *text = &loading->text;
    UNICODE_STRING name = {0};
    struct reg_data data = {0};
    bool fine = reg_take(text, "@") || reg_string(text, &name);
    while (fine && reg_take(text, " "))
        ;
    if (fine && !reg_take(text, "="))
        fine = reg_fail(text, "'=' is expected after the name");
    fine = fine && reg_value(text, &data) && reg_end_line(text) && store(loading, name.Buffer, &data);
    if (name.Buffer)
        mm_free(name.Buffer);
    if (data.bytes)
        mm_free(data.bytes);
    return fine;
}

static bool load_lines(struct loading *loading)
{
    if (!take_header(&loading->text))
        return false;
    while (reg_skip_blank(&loading->text)) {
        bool key = reg_take(&loading->text, "[");
        if (key ? !take_key(loading) : !take_value(loading))
            return false;
    }
    return true;
}

NTSTATUS cm_load_reg_text(const void *bytes, size_t length, unsigned *line, char *message,
                          size_t message_size)
{
    struct loading loading = {0};
    *line = 0;
    NTSTATUS status = reg_text_open(&loading.text, bytes, length);
    if (!NT_SUCCESS(status)) {
        host_snprintf(message, message_size, "the file is too large");
        return status;
    }
    loading.path = mm_alloc(MAX_PATH_CHARS * sizeof(WCHAR), CM_TAG);
    if (!loading.path)
        status = STATUS_INSUFFICIENT_RESOURCES;
    else if (!load_lines(&loading)) {
        status = STATUS_REGISTRY_CORRUPT;
        *line = loading.text.line;
        host_snprintf(message, message_size, "line %u: %s", *line, loading.text.error);
    }
    if (loading.path)
        mm_free(loading.path);
    reg_text_close(&loading.text);
    return status;
}
