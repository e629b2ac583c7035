#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Which facts of the specification have a passing test that declares them.

Runs the plays (and the API tests that print `rules: ID ...`), then prints `FAMILY COVERED TOTAL` for each family.
TOTAL leaves out the ids of tests/conformance.deferred. An id of tests/conformance.disputed stays in TOTAL and counts
only through its reason there. Both lists are printed below the table. --missing prints what is not covered;
--families A,B limits the table to families and gives exit code 1 if one of them is not complete.
"""
import argparse
import collections
import json
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def read_ids(path):
    rows = {}
    for line in open(path, encoding='utf-8'):
        if line.strip() and not line.startswith('#'):
            fact, _, reason = line.rstrip('\n').partition('\t')
            rows[fact] = reason
    return rows


def facts_by_family():
    families = collections.OrderedDict()
    for line in open(os.path.join(ROOT, 'tests/spec/facts.tsv'), encoding='utf-8'):
        fact = line.split('\t', 1)[0].strip()
        if re.fullmatch(r'[A-Z0-9]+-[0-9A-Za-z.]+', fact):
            families.setdefault(fact.split('-')[0], []).append(fact)
    return families


def covered_ids(build):
    log = os.path.join(build, 'meson-logs', 'testlog-conformance.json')
    if os.path.exists(log):
        os.unlink(log)
    subprocess.run(['meson', 'test', '-C', build, '--no-rebuild', '--suite', 'rules', '--logbase', 'testlog-conformance'],
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
    covered, failures = set(), []
    for line in open(log, encoding='utf-8') if os.path.exists(log) else []:
        test = json.loads(line)
        if test['result'] != 'OK':
            failures.append(test['name'])
            continue
        for rules in re.findall(r'^rules: (.*)$', test.get('stdout') or '', re.M):
            covered.update(rules.split())
    return covered, failures


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--build', default='build')
    parser.add_argument('--missing', action='store_true')
    parser.add_argument('--families', default='')
    options = parser.parse_args()
    os.chdir(ROOT)
    deferred, disputed = read_ids('tests/conformance.deferred'), read_ids('tests/conformance.disputed')
    covered, failures = covered_ids(options.build)
    wanted = [f for f in options.families.split(',') if f]
    incomplete = False
    for family, facts in facts_by_family().items():
        if wanted and family not in wanted:
            continue
        counted = [fact for fact in facts if fact not in deferred]
        have = [fact for fact in counted if fact in covered or fact in disputed]
        print(f'{family} {len(have)} {len(counted)}')
        missing = [fact for fact in counted if fact not in have]
        incomplete |= bool(missing)
        if options.missing and missing:
            print('  missing: ' + ' '.join(missing))
    for title, rows in (('deferred', deferred), ('disputed', disputed)):
        for fact, reason in rows.items():
            print(f'{title}: {fact}: {reason}')
    for name in failures:
        print(f'failed: {name}')
    return 1 if failures or (wanted and incomplete) else 0


if __name__ == '__main__':
    sys.exit(main())
