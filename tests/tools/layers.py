#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Layers hold: every #include of the runtime points down, and only src/host calls glibc.

The order, lowest first, with what shares a level in one line. A file may include headers of its own folder, of its
own level and of lower levels. Above src/host and below src/api, system headers are limited to the freestanding ones.
"""
import os
import re
import sys

LEVELS = [
    ['base', 'nt'],
    ['host'],
    ['arch'],
    ['ldr'],
    ['ke'],
    ['mm', 'ob', 'se', 'cm', 'ps', 'rtl', 'ex'],
    ['hal'],
    ['io'],
    ['pnp', 'po', 'wmi', 'inf'],
    ['vf', 'trace'],
    ['models', 'ports', 'buses'],
    ['api', 'ringless'],
    ['cli', 'gateways'],
]
LEVEL = {name: level for level, names in enumerate(LEVELS) for name in names}
FREESTANDING = {'stdarg.h', 'stdbool.h', 'stddef.h', 'stdint.h', 'limits.h', 'immintrin.h', 'x86intrin.h', 'stdalign.h',
                'string.h', 'cpuid.h', 'float.h'}
# Between these levels glibc is out of bounds.
NO_GLIBC = range(LEVEL['arch'], LEVEL['api'])
# src/arch is the CPU side of the boundary: it installs the signal handlers. Models may use the host's files.
MAY_USE_SYSTEM = {'models', 'ports', 'buses'}
ARCH_SYSTEM = {'signal.h', 'ucontext.h', 'sys/ucontext.h', 'sys/auxv.h', 'asm/prctl.h', 'sys/syscall.h', 'unistd.h', 'sys/mman.h',
               'sanitizer/asan_interface.h', 'sanitizer/common_interface_defs.h', 'Zydis/Zydis.h', 'pthread.h', 'errno.h'}


def component(path):
    parts = path.split(os.sep)
    if parts[0] in ('src', 'include'):
        return parts[1]
    return parts[0]


def check(path, problems):
    owner = component(path)
    if owner not in LEVEL:
        problems.append(f'{path}: the folder {owner} has no level in tests/tools/layers.py')
        return
    for number, line in enumerate(open(path, encoding='utf-8'), 1):
        own = re.match(r'\s*#\s*include\s+"([^"]+)"', line)
        system = re.match(r'\s*#\s*include\s+<([^>]+)>', line)
        if own and '..' in own.group(1).split('/'):
            problems.append(f'{path}:{number}: "{own.group(1)}": name the component, as in "ke/ke.h"')
        elif own and '/' in own.group(1):
            target = own.group(1).split('/')[0]
            if target in LEVEL and LEVEL[target] > LEVEL[owner]:
                problems.append(f'{path}:{number}: {owner} may not include {target}: it is a higher layer')
        if system and LEVEL[owner] in NO_GLIBC and owner not in MAY_USE_SYSTEM:
            name = system.group(1)
            if name not in FREESTANDING and not (owner == 'arch' and name in ARCH_SYSTEM):
                problems.append(f'{path}:{number}: <{name}>: only src/host may use the C library here')


def main():
    os.chdir(sys.argv[1])
    problems = []
    for top in ('src', 'include', 'models', 'cli', 'ports', 'buses', 'gateways'):
        for folder, _, names in os.walk(top):
            for name in sorted(names):
                if name.endswith(('.c', '.h', '.S')):
                    check(os.path.join(folder, name), problems)
    print('\n'.join(problems) if problems else 'every include points down')
    return 1 if problems else 0


if __name__ == '__main__':
    sys.exit(main())
