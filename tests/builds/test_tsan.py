#!/usr/bin/env python3
"""ThreadSanitizer has nothing to say of runs with eight host threads; and it
is awake: a program with a race is reported."""
import os
import subprocess
import sys

import lib

REPORT = 66


def run(args):
    """Under some kernels this runtime cannot place its shadow unless the
    address space is laid out without chance."""
    env = dict(os.environ, TSAN_OPTIONS='exitcode=%d' % REPORT)
    r = subprocess.run(args, capture_output=True, text=True, env=env)
    if 'unexpected memory mapping' in r.stderr:
        r = subprocess.run(['setarch', '-R'] + args, capture_output=True,
                           text=True, env=env)
    return r


def main():
    sim = lib.other_build('TSAN', 'sim/ktls-sim')
    race = lib.other_build('TSAN', 'tests/builds/control_race')
    c = lib.Checks()
    r = run([race])
    c.equal(r.returncode, REPORT, 'the race: ' + r.stderr)
    c.check('WARNING: ThreadSanitizer: data race' in r.stderr,
            'the race: ' + r.stderr)
    with lib.tmpdir() as d:
        for name in ('quickstart', 'failover', 'many-lossy', 'kernel-receive'):
            r = run([sim, 'run', '--quiet', '--threads', '8', '--out',
                     os.path.join(d, name), lib.scenario(name)])
            c.equal(r.returncode, 0, '%s: %s' % (name, r.stderr))
            c.equal(r.stderr, '', name)
    c.done()


main()
