/* SPDX-License-Identifier: MIT */
/*
 * Object types. A type is itself an object (of type "Type"), named
 * \ObjectTypes\Name, made once and never deleted; an OBJECT_TYPE pointer that
 * a driver holds is a pointer to struct ob_type.
 */
#include "ob/object.h"
#include "rtl/rtl.h"

struct ob_type *ob_type_type;
static ULONG type_count = 2;

static const struct ob_type_ops type_ops = {
    .name = "Type",
    .pool_tag = 0x546a624f, /* 'ObjT' */
    .valid_access = STANDARD_RIGHTS_ALL | 1,
    .mapping = {STANDARD_RIGHTS_READ, STANDARD_RIGHTS_WRITE, STANDARD_RIGHTS_EXECUTE,
                STANDARD_RIGHTS_ALL | 1},
    .dispatcher_offset = -1,
};

static void fill_type(struct ob_type *type, const struct ob_type_ops *ops)
{
    list_init(&type->type_list);
    type->ops = *ops;
    type->index = type_count++;
    size_t i = 0;
    for (; ops->name[i] && i + 1 < countof(type->name_text); i++)
        type->name_text[i] = (WCHAR)ops->name[i];
    type->name =
        (UNICODE_STRING){(USHORT)(i * sizeof(WCHAR)), (USHORT)sizeof(type->name_text), type->name_text};
}

NTSTATUS ob_type_name_it(struct ob_type *type)
{
    WCHAR text[64] = u"\\ObjectTypes\\";
    UNICODE_STRING path = {0, sizeof(text), text};
    path.Length = (USHORT)(rtl_wcslen(text) * sizeof(WCHAR));
    memcpy(text + path.Length / sizeof(WCHAR), type->name.Buffer, type->name.Length);
    path.Length += type->name.Length;
    return ob_insert(type, &path, NULL, OBJ_PERMANENT | OBJ_CASE_INSENSITIVE);
}

/* The first type is its own type. */
NTSTATUS ob_type_init(void)
{
    static struct ob_type bootstrap; /* lends ob_create a tag and counters */
    memset(&bootstrap, 0, sizeof(bootstrap));
    type_count = 2;
    ob_type_type = ob_create(&bootstrap, sizeof(*ob_type_type));
    if (!ob_type_type)
        return STATUS_INSUFFICIENT_RESOURCES;
    fill_type(ob_type_type, &type_ops);
    ob_type_type->objects = ob_type_type->peak_objects = 1;
    ob_header_of(ob_type_type)->type = ob_type_type;
    return STATUS_SUCCESS;
}

void *ob_type_object(struct ob_type *type)
{
    return type;
}

struct ob_type *ob_type_create(const struct ob_type_ops *ops)
{
    struct ob_type *type = ob_create(ob_type_type, sizeof(*type));
    if (!type)
        return NULL;
    fill_type(type, ops);
    if (ob_root && !NT_SUCCESS(ob_type_name_it(type))) {
        ob_dereference(type);
        return NULL;
    }
    return type;
}
