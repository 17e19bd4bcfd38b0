#!/usr/bin/env python3
"""memcheck has nothing to say of quickstart, leaks included; and it is awake:
three mistakes of a control program are each reported, and its good run is
not. It sees what AddressSanitizer does not: uninitialised bytes that decide
something or leave the process."""
import os
import re
import shutil
import subprocess
import sys

import lib

REPORT = 66


def memcheck(args):
    return subprocess.run(
        ['valgrind', '--quiet', '--error-exitcode=%d' % REPORT,
         '--leak-check=full', '--errors-for-leak-kinds=definite,indirect,possible']
        + args, capture_output=True, text=True)


def main():
    if not shutil.which('valgrind'):
        lib.skip('there is no valgrind here')
    sim = lib.other_build('REL', 'sim/ktls-sim')
    control = lib.other_build('REL', 'tests/builds/control_memory')
    c = lib.Checks()
    for what, code, text in (
            ('nothing', 0, r'^$'),
            ('uninitialised', REPORT, r'uninitialised value'),
            ('overrun', REPORT, r'Invalid write of size 1'),
            ('leak', REPORT, r'definitely lost')):
        r = memcheck([control, what])
        c.equal(r.returncode, code, 'control %s: %s' % (what, r.stderr))
        c.check(re.search(text, r.stderr), 'control %s: %s' % (what, r.stderr))
    with lib.tmpdir() as d:
        r = memcheck([sim, 'run', '--quiet', '--threads', '2', '--out',
                      os.path.join(d, 'out'), lib.scenario('quickstart')])
        c.equal(r.returncode, 0, 'quickstart: ' + r.stderr)
        c.equal(r.stderr, '', 'quickstart')
    c.done()


main()
