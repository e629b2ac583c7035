#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""File and function sizes: limits that ratchet down. A file or a function over the limit must be on the list in
tests/sizes.allowed with its present size; it may shrink there and never grow, and a row that is no longer needed
fails too, so the list only gets shorter. `sizes.py ROOT --update` rewrites the list after a shrink."""
import os
import re
import subprocess
import sys

FILE_LINES, FUNCTION_LINES = 500, 70
LIST = 'tests/sizes.allowed'


def sources():
    names = subprocess.run(['git', 'ls-files', 'src/*.c', 'models/*.c', 'cli/*.c', 'drivers/*.c', 'ports/*.c'],
                           capture_output=True, text=True).stdout.split()
    if not names:  # a source archive without git
        names = [os.path.join(folder, name) for top in ('src', 'models', 'cli', 'drivers', 'ports')
                 for folder, _, files in os.walk(top) for name in files if name.endswith('.c')]
    return sorted(name for name in names if not re.search(r'_(data|tables?)\.c$', name))


def functions(lines):
    """A function: from the line of its name to the closing brace in column one."""
    start = name = None
    for number, line in enumerate(lines):
        if line.startswith('{') and number:
            for back in range(number - 1, max(number - 6, -1), -1):
                found = re.match(r'[A-Za-z_].*?\b([A-Za-z_]\w*)\s*\(', lines[back])
                if found:
                    start, name = back, found.group(1)
                    break
        elif line.startswith('}') and start is not None:
            yield name, number - start + 1
            start = None


def measure():
    over = {}
    for path in sources():
        lines = open(path, encoding='utf-8').read().splitlines()
        if len(lines) > FILE_LINES:
            over[path] = len(lines)
        for name, length in functions(lines):
            if length > FUNCTION_LINES:
                over[f'{path}:{name}'] = length
    return over


def main():
    os.chdir(sys.argv[1])
    over = measure()
    if '--update' in sys.argv:
        with open(LIST, 'w', encoding='utf-8') as out:
            out.write('# What is over the limits of tests/tools/sizes.py, with its size: may shrink, never grow.\n')
            out.writelines(f'{name}\t{size}\n' for name, size in sorted(over.items()))
        return 0
    allowed = {}
    if os.path.exists(LIST):
        allowed = {row.split('\t')[0]: int(row.split('\t')[1]) for row in open(LIST, encoding='utf-8')
                   if row.strip() and not row.startswith('#')}
    problems = [f'{name}: {size} lines, {allowed.get(name, "the limit")} allowed: split it by idea'
                for name, size in sorted(over.items()) if size > allowed.get(name, 0)]
    problems += [f'{name}: no longer over the limit: run tests/tools/sizes.py . --update' for name in allowed if name not in over]
    print('\n'.join(problems) if problems else 'sizes are within the limits')
    return 1 if problems else 0


if __name__ == '__main__':
    sys.exit(main())
