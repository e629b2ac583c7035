#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`build/bench --quick` prints every line that has a goal, and lines of five words alone: NAME VALUE UNIT FLOOR_NAME RATIO.
What the values are is not judged here: tests do not depend on how busy a computer is."""
import fnmatch
import re
import subprocess
import sys

LINE = re.compile(r'(?P<name>[a-z][\w.]*) (?P<value>\S+) (?P<unit>ns|ms|MiB|percent) (?P<floor>[a-z]\w*) (?P<ratio>\S+)')


def main():
    bench, goals = sys.argv[1:3]
    output = subprocess.run([bench, '--quick'], stdout=subprocess.PIPE, text=True, check=True, timeout=60).stdout
    names = []
    for line in output.splitlines():
        found = LINE.fullmatch(line)
        if not found or float(found['value']) <= 0 or float(found['ratio']) <= 0:
            sys.exit(f'not a line of the benchmark: {line}')
        names.append(found['name'])
    wanted = [row.split('\t')[0] for row in open(goals, encoding='utf-8') if row.strip() and not row.startswith('#')]
    missing = [goal for goal in wanted if not fnmatch.filter(names, goal)]
    if missing or len(names) != len(set(names)):
        sys.exit(f'no line for {missing}, or a name twice: {names}')
    judged = subprocess.run([bench, '--quick', '--check'], stdout=subprocess.PIPE, text=True, timeout=60).stdout
    if len(re.findall(r' (?:met|missed) ', judged)) != len(wanted):
        sys.exit(f'--check does not judge every goal once:\n{judged}')
    print(f'{len(names)} lines, {len(wanted)} goals')


main()
