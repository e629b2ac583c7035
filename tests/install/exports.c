/* SPDX-License-Identifier: MIT */
/* How many functions and variables the library provides. */
#include <stdio.h>
#include <ringless/ringless.h>

static void count(void *context, const struct rgl_export_info *info)
{
    *(unsigned *)context += info->name[0] != '\0';
}

int main(void)
{
    unsigned exports = 0;

    rgl_for_each_export(count, &exports);
    printf("%u\n", exports);
    return exports < 500;
}
