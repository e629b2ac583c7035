/* SPDX-License-Identifier: MIT */
/* Where messages for the debugger go. */
#ifndef RTL_DEBUG_H
#define RTL_DEBUG_H

/* Set by api before a driver runs. text is UTF-8; called on NT stacks at any IRQL: no waiting, no host calls.
 */
extern void (*rtl_debug_sink)(const char *text, const void *caller);

#endif
