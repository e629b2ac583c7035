#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Prints which functions that real drivers import are not exported yet.

usage: tools/wanted.py WANTED.tsv [--prebuilt N] [--drivers N] [--module M]... [--all]

WANTED.tsv: columns dll, function, drivers, prebuilt, ... (most wanted first). A row counts if at least N prebuilt
drivers (default 3) and N drivers import the function. Without --module: ntoskrnl and hal; --all: every module.
The exports are read from the EXPORT lines of the sources, which are the table's only source.
"""
import argparse
import collections
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parent.parent
EXPORT = re.compile(r'^EXPORT(_AS|_DATA)?\(\s*(\w+),\s*("?)(\w+)\3', re.M)


def exported():
    found = collections.defaultdict(set)
    for folder in ('src', 'ports', 'models'):
        for path in (ROOT / folder).rglob('*.[cS]'):
            for match in EXPORT.finditer(path.read_text(encoding='utf-8', errors='replace')):
                found[match.group(2).lower()].add(match.group(4))
    return found


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument('wanted')
    parser.add_argument('--prebuilt', type=int, default=3)
    parser.add_argument('--drivers', type=int, default=0)
    parser.add_argument('--module', action='append')
    parser.add_argument('--all', action='store_true')
    options = parser.parse_args()
    modules = {m.lower() for m in options.module or ['ntoskrnl', 'hal']}
    have = exported()
    wanted = missing = 0
    for row in open(options.wanted, encoding='utf-8').read().splitlines()[1:]:
        dll, function, drivers, prebuilt, *_ = row.split('\t')
        module = dll.lower().rsplit('.', 1)[0]
        if not (options.all or module in modules):
            continue
        if int(prebuilt) < options.prebuilt or int(drivers) < options.drivers:
            continue
        wanted += 1
        if function not in have[module]:
            missing += 1
            print(f'{dll}\t{function}\t{drivers}\t{prebuilt}')
    print(f'# {wanted - missing} of {wanted} wanted functions are exported, {missing} are missing')


if __name__ == '__main__':
    main()
