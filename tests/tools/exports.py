#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The export table: not empty, no name twice in a module, and nothing invented. A name must be in the list of documented
routines (tests/spec/ddi.txt), in the DDK headers that drivers are built with, or in tests/spec/exports.other with
the source of what is known about it."""
import collections
import os
import pathlib
import re
import sys

HEADERS = '/usr/share/mingw-w64/include'
EXPORT = re.compile(r'^EXPORT(_AS|_DATA)?\(\s*(\w+),\s*("?)(\w+)\3', re.M)


def exports():
    found = []
    for folder in ('src', 'ports', 'models'):
        for path in sorted(pathlib.Path(folder).rglob('*.[cS]')):
            text = path.read_text(encoding='utf-8')
            found += [(match.group(2), match.group(4), str(path)) for match in EXPORT.finditer(text)]
    return found


PROTOTYPE = re.compile(r'^[A-Za-z_][\w *]*?NTAPI (\w+)\([^;{}]*\);', re.M)


def prototypes(names):
    """Where a .c file of the runtime declares an export of another file by itself."""
    for path in sorted(pathlib.Path('src').rglob('*.c')):
        text = path.read_text(encoding='utf-8')
        own = {match.group(4) for match in EXPORT.finditer(text)} | set(re.findall(r'^EXPORT_AS\(\w+, "\w+", (\w+)', text, re.M))
        yield from ((str(path), name) for name in PROTOTYPE.findall(text) if name in names and name not in own)


def words(paths):
    found = set()
    for path in paths:
        found.update(re.findall(r'\w+', path.read_text(encoding='utf-8', errors='replace')))
    return found


def known_names():
    known = words([pathlib.Path('tests/spec/ddi.txt')])
    headers = pathlib.Path(HEADERS)
    known |= words(list(headers.glob('*.h')) + list(headers.glob('ddk/*.h')))
    others = set()
    for row in open('tests/spec/exports.other', encoding='utf-8'):
        if row.strip() and not row.startswith('#'):
            name, _, source = row.rstrip('\n').partition('\t')
            if not source:
                sys.exit(f'tests/spec/exports.other: {name} has no source')
            others.add(name)
    return known, others


def main():
    os.chdir(sys.argv[1])
    table, (known, others) = exports(), known_names()
    problems = [] if len(table) > 100 else [f'the export table has {len(table)} entries only']
    where = collections.defaultdict(list)
    for module, name, path in table:
        where[module, name].append(path)
    problems += [f'{module}!{name} is exported twice: {" and ".join(paths)}'
                 for (module, name), paths in where.items() if len(paths) > 1]
    problems += [f'{paths[0]}: {name} is in no list of documented routines: add it to tests/spec/exports.other with its source'
                 for (module, name), paths in where.items() if name not in known and name not in others]
    names = {name for _, name, _ in table}
    problems += [f'tests/spec/exports.other: {name} is not exported, or is known without this row: remove it'
                 for name in sorted(others) if name not in names or name in known]
    problems += [f'{path}: {name} is declared here again: include the header of its component'
                 for path, name in prototypes(names)]
    print('\n'.join(problems) if problems else f'{len(table)} exports, all of them known')
    return 1 if problems else 0


if __name__ == '__main__':
    sys.exit(main())
