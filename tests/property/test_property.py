#!/usr/bin/env python3
"""Random worlds find planted bugs, and what they write is small and repeats the
failure: the scenario alone, run by ktls-sim, breaks the same invariant."""
import glob
import os
import re
import subprocess
import sys

import lib

DEFECTS = (('tcp.rexmit-offset', 40), ('kern.lost-wakeup', 1), ('nic.tag-leak', 1),
           ('app.sendfile-retry-from-old-offset', 6))


def planted(c, sim, prop, defect, worlds):
    with lib.tmpdir() as d:
        r = subprocess.run([prop, '1', str(worlds), '--defect', defect, '--out', d],
                           capture_output=True, text=True)
        c.equal(r.returncode, 1, '%s: exit code: %s' % (defect, r.stderr[-300:]))
        files = sorted(glob.glob(os.path.join(d, '*.ktls.yaml')))
        c.check(files and len(files) == r.stdout.count('FAIL: world'),
                '%s: a scenario for each failure' % defect)
        for f in files[:2]:
            repeats(c, sim, prop, defect, f, r.stdout)


def repeats(c, sim, prop, defect, f, told):
    seed = re.search(r'property-(\d+)\.', f).group(1)
    c.check('  ktls-sim run %s --seed %s\n' % (f, seed) in told, 'the command for ' + f)
    with open(f) as g:
        small = g.read()
    whole = subprocess.run([prop, seed, '1', '--text'], capture_output=True,
                           text=True).stdout
    c.check(small != whole and len(small) < len(whole), '%s is not smaller' % f)
    out = f + '.out'
    r, report = lib.run_out(sim, f, out, '--seed', seed, '--defect', defect)
    c.equal(r.returncode, 4, '%s, run: %s' % (f, r.stderr))
    c.check(any(x['broken'] > 0 for x in report['invariants']),
            f + ': an invariant breaks there too')
    r, _ = lib.run_out(sim, f, out + '2', '--seed', seed)
    c.equal(r.returncode, 0, '%s, without the defect: %s' % (f, r.stderr))


def main():
    sim, prop = sys.argv[1:]
    c = lib.Checks()
    for defect, worlds in DEFECTS:
        planted(c, sim, prop, defect, worlds)
    c.done()


main()
