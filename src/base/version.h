/* SPDX-License-Identifier: MIT */
/* The Windows version that the machine says it is: Windows 10 22H2, x64, free build. */
#ifndef VERSION_H
#define VERSION_H

#define NT_VERSION_MAJOR 10
#define NT_VERSION_MINOR 0
#define NT_VERSION_BUILD 19045

#endif
