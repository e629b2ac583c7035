/* SPDX-License-Identifier: MIT */
/* See book.h. */
#include "book.h"
#include "nt/cm.h"
#include "rtl/rtl.h"

struct entry {
    char path[256], name[64];
    bool is_key; /* the key alone */
    ULONG type, length;
    unsigned char data[2048];
};

static struct entry entries[256];
static unsigned count, interfaces;
char book_last_interface[200], book_last_property[300];

void book_clear(void)
{
    count = interfaces = 0;
}

unsigned book_interfaces(void)
{
    return interfaces;
}

static struct entry *find(const char *path, const char *name)
{
    for (unsigned i = 0; i < count; i++)
        if (!entries[i].is_key && inf_same(entries[i].path, path) && inf_same(entries[i].name, name))
            return &entries[i];
    return NULL;
}

static bool is_below(const char *path, const char *key)
{
    char start[256];

    snprintf(start, sizeof(start), "%.*s", (int)strlen(key), path);
    return inf_same(start, key) && (path[strlen(key)] == '\0' || path[strlen(key)] == '\\');
}

bool book_has_key(const char *path)
{
    for (unsigned i = 0; i < count; i++)
        if (is_below(entries[i].path, path))
            return true;
    return false;
}

void book_put(const char *path, const char *name, ULONG type, const void *data, ULONG length)
{
    struct entry *entry = find(path, name);

    assert_true(length <= sizeof(entry->data) && count < 256);
    if (entry == NULL)
        entry = &entries[count++];
    snprintf(entry->path, sizeof(entry->path), "%s", path);
    snprintf(entry->name, sizeof(entry->name), "%s", name);
    entry->is_key = false;
    entry->type = type;
    entry->length = length;
    memcpy(entry->data, data, length);
}

static bool is_text(ULONG type)
{
    return type == REG_SZ || type == REG_EXPAND_SZ || type == REG_MULTI_SZ;
}

const char *book_value(const char *path, const char *name)
{
    static char text[4096];
    const struct entry *entry = find(path, name);
    const WCHAR *wide;
    int used;

    if (entry == NULL)
        return NULL;
    used = snprintf(text, sizeof(text), "%u:", entry->type);
    wide = (const WCHAR *)entry->data;
    if (entry->type == REG_DWORD) {
        ULONG number;
        memcpy(&number, entry->data, sizeof(number));
        snprintf(text + used, sizeof(text) - (size_t)used, "%08x", number);
    } else if (is_text(entry->type)) {
        size_t chars = entry->length / sizeof(WCHAR) - 1; /* without the zero that ends it */
        assert_int_equal(wide[chars], 0);
        for (size_t i = 0; i < chars; i++)
            text[used++] = wide[i] == 0 ? '|' : (char)wide[i];
        text[used] = '\0';
    } else {
        for (ULONG i = 0; i < entry->length; i++)
            used += snprintf(text + used, sizeof(text) - (size_t)used, "%02x", entry->data[i]);
    }
    return text;
}

/* ---- the operations ---- */

static const char *narrow(const WCHAR *wide)
{
    static char room[4][512];
    static unsigned next;
    char *text = room[next++ % 4];

    rtl_utf8_from_wide(text, sizeof(room[0]), wide, rtl_wcslen(wide));
    return text;
}

static NTSTATUS base(void *context, const struct inf_step *step, WCHAR *path, size_t room)
{
    char text[256];

    if (step->key == INF_KEY_INTERFACE)
        snprintf(text, sizeof(text), "Interface\\%s", step->interface->guid);
    else
        snprintf(text, sizeof(text), "%s", step->key == INF_KEY_SOFTWARE ? SOFTWARE : HARDWARE);
    rtl_wide_from_utf8(path, room, text, strlen(text));
    return STATUS_SUCCESS;
}

static NTSTATUS create_key(void *context, const WCHAR *path)
{
    struct entry *entry = &entries[count++];

    memset(entry, 0, sizeof(*entry));
    snprintf(entry->path, sizeof(entry->path), "%s", narrow(path));
    entry->is_key = true;
    return STATUS_SUCCESS;
}

static bool key_exists(void *context, const WCHAR *path)
{
    return book_has_key(narrow(path));
}

static NTSTATUS set(void *context, const WCHAR *path, const WCHAR *name, ULONG type, const void *data,
                    ULONG length)
{
    book_put(narrow(path), narrow(name), type, data, length);
    return STATUS_SUCCESS;
}

static NTSTATUS query(void *context, const WCHAR *path, const WCHAR *name, ULONG *type, void *data,
                      ULONG *length)
{
    const struct entry *entry = find(narrow(path), narrow(name));
    ULONG room = *length;

    if (entry == NULL)
        return STATUS_OBJECT_NAME_NOT_FOUND;
    *type = entry->type;
    *length = entry->length;
    if (room < entry->length)
        return STATUS_BUFFER_TOO_SMALL;
    if (entry->length != 0)
        memcpy(data, entry->data, entry->length);
    return STATUS_SUCCESS;
}

static void drop(struct entry *entry)
{
    *entry = entries[--count];
}

static NTSTATUS delete_value(void *context, const WCHAR *path, const WCHAR *name)
{
    struct entry *entry = find(narrow(path), narrow(name));

    if (entry == NULL)
        return STATUS_OBJECT_NAME_NOT_FOUND;
    drop(entry);
    return STATUS_SUCCESS;
}

static NTSTATUS delete_tree(void *context, const WCHAR *path)
{
    bool found = false;

    for (unsigned i = count; i-- > 0;) {
        if (!is_below(entries[i].path, narrow(path)))
            continue;
        drop(&entries[i]);
        found = true;
    }
    return found ? STATUS_SUCCESS : STATUS_OBJECT_NAME_NOT_FOUND;
}

static NTSTATUS sddl(void *context, const WCHAR *text, void **descriptor, ULONG *length)
{
    *length = (ULONG)rtl_wcslen(text);
    *descriptor = calloc(1, *length);
    memcpy(*descriptor, narrow(text), *length);
    return STATUS_SUCCESS;
}

static NTSTATUS interface(void *context, const struct inf_step *step)
{
    interfaces++;
    snprintf(book_last_interface, sizeof(book_last_interface), "%s %s", step->interface->guid,
             step->interface->reference);
    return STATUS_SUCCESS;
}

static NTSTATUS property(void *context, const struct inf_step *step)
{
    snprintf(book_last_property, sizeof(book_last_property), "%s type %x length %u", step->name, step->type,
             step->length);
    return STATUS_SUCCESS;
}

const struct inf_ops book_ops = {.base = base,
                                 .create_key = create_key,
                                 .key_exists = key_exists,
                                 .set = set,
                                 .query = query,
                                 .delete_value = delete_value,
                                 .delete_tree = delete_tree,
                                 .sddl = sddl,
                                 .interface = interface,
                                 .property = property,
                                 .allocate = malloc,
                                 .release = free};
