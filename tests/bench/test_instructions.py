#!/usr/bin/env python3
"""How many instructions three fixed runs take, in a release build under
callgrind, against instructions.json: a slowdown fails here without a clock, so
on a busy machine too. Only the program's own code is counted (not libcrypto,
libc, which choose by CPU). More than 3 % up: a regression, or something worth
its price; more than 3 % down: the file no longer guards what was won. Both are
accepted by ./dev bless (KTLS_BLESS=1)."""
import concurrent.futures
import glob
import json
import os
import platform
import re
import shutil
import subprocess
import sys

import lib

HERE = os.path.dirname(os.path.abspath(__file__))
KEPT = os.path.join(HERE, 'instructions.json')
TOLERANCE = 0.03
SHOWN = 12


def compiler(exe):
    """What the program says it was compiled by, and for what."""
    with open(exe, 'rb') as f:
        m = re.search(rb'GCC: \([^)]*\) (\d+)\.', f.read())
    return '%s, %s' % ('gcc ' + m.group(1).decode() if m else 'not gcc',
                       platform.machine())


def parse(path, exe):
    """Instructions by function, of our object: {name: count}."""
    costs, ob, fn, skip = {}, None, None, False
    with open(path) as f:
        for line in f:
            if line.startswith('ob='):
                ob = line[3:].strip()
            elif line.startswith('fn='):
                # .part, .isra, .constprop: as the compiler likes it today.
                fn = line[3:].strip().split('.')[0].split("'")[0]
            elif line.startswith('calls='):
                skip = True         # the next line is what the callee took
            elif line[0] in '0123456789+-*':
                if not skip and ob == exe:
                    costs[fn] = costs.get(fn, 0) + int(line.split()[1])
                skip = False
    return costs


def count(exe, d, file):
    name = os.path.basename(file)[:-len('.ktls.yaml')]
    dump = os.path.join(d, name + '.callgrind')
    r = subprocess.run(
        ['valgrind', '--tool=callgrind', '--callgrind-out-file=' + dump,
         '--compress-strings=no', '--compress-pos=no', exe, 'run', '--quiet',
         '--threads', '0', '--out', os.path.join(d, name), file],
        capture_output=True, text=True)
    if r.returncode != 0:
        raise SystemExit('%s: %s' % (name, r.stderr))
    return name, parse(dump, exe)


def millions(n):
    return '%.2f M' % (n / 1e6)


def risen(old, new):
    """The functions that changed most, as text."""
    by = sorted((f for f in set(old) | set(new)
                 if abs(new.get(f, 0) - old.get(f, 0)) > 50000),
                key=lambda f: -abs(new.get(f, 0) - old.get(f, 0)))
    return '\n'.join('    %+9.2f M  %s (%s -> %s)' %
                     ((new.get(f, 0) - old.get(f, 0)) / 1e6, f,
                      millions(old.get(f, 0)), millions(new.get(f, 0)))
                     for f in by[:SHOWN])


def compare(c, name, old, new):
    total = sum(new.values())
    ratio = total / old['instructions']
    print('%s: %s instructions, %+.2f %% of %s' %
          (name, millions(total), (ratio - 1) * 100,
           millions(old['instructions'])))
    what = ('takes more instructions' if ratio > 1 else
            'takes fewer instructions: good; keep that')
    # Small functions are not kept: what is new here may be old.
    kept = {f: n for f, n in new.items()
            if f in old['functions'] or n > old['instructions'] / 500}
    c.check(abs(ratio - 1) <= TOLERANCE,
            '%s %s\n  %s, kept %s: %+.1f %% (allowed %d %%)\n'
            '  by function:\n%s\n  if that is meant: ./dev bless' %
            (name, what, millions(total), millions(old['instructions']),
             (ratio - 1) * 100, TOLERANCE * 100, risen(old['functions'], kept)))


def main():
    if not shutil.which('valgrind'):
        lib.skip('there is no valgrind here')
    exe = os.path.realpath(lib.other_build('REL', 'sim/ktls-sim'))
    bless = os.environ.get('KTLS_BLESS') == '1'
    kept = {'compiler': compiler(exe), 'runs': {}}
    if not bless:
        with open(KEPT) as f:
            kept = json.load(f)
    if kept['compiler'] != compiler(exe):
        lib.skip('counts are kept for %s, this is %s' %
                 (kept['compiler'], compiler(exe)))
    files = sorted(glob.glob(os.path.join(HERE, 'instructions', '*.yaml')))
    c = lib.Checks()
    with lib.tmpdir() as d, concurrent.futures.ThreadPoolExecutor(
            os.cpu_count()) as pool:
        found = dict(pool.map(lambda f: count(exe, d, f), files))
    c.equal(len(found), 3, 'runs')
    for name, costs in found.items():
        c.check(sum(costs.values()) > 1000000 and len(costs) > 200,
                '%s: %d instructions in %d functions: is the program found?' %
                (name, sum(costs.values()), len(costs)))
        if bless:
            total = sum(costs.values())
            kept['runs'][name] = {
                'instructions': total,
                'functions': dict(sorted(
                    ((f, n) for f, n in costs.items() if n > total / 500),
                    key=lambda x: -x[1]))}
    if bless:
        with open(KEPT, 'w') as f:
            json.dump(kept, f, indent=1)
            f.write('\n')
    c.equal(sorted(kept['runs']), sorted(found), 'runs kept and counted')
    for name in sorted(found):
        compare(c, name, kept['runs'][name], found[name])
    c.done()


main()
