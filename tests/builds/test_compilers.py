#!/usr/bin/env python3
"""The outputs of a run do not depend on the compiler: gcc with sanitizers and
2 host threads, clang without and 5, give the same bytes in every file. What
the language leaves open (order of evaluation, padding, uninitialised bytes)
would show here."""
import os
import sys

import lib


def main():
    sim, name = sys.argv[1:]
    clang = lib.other_build('CLANG', 'sim/ktls-sim')
    c = lib.Checks()
    got = []
    with lib.tmpdir() as d:
        for exe, threads in ((sim, '2'), (clang, '5')):
            out = os.path.join(d, 'threads-' + threads)
            r, _ = lib.run_out(exe, lib.scenario(name), out, '--pcap',
                               '--trace', '--threads', threads)
            c.equal(r.returncode, 0, '%s: %s' % (exe, r.stderr))
            got.append(lib.digest(out))
    c.check(len(got[0]) >= 8, 'outputs compared: %s' % sorted(got[0]))
    c.equal(sorted(got[1]), sorted(got[0]), 'files')
    for f in got[0]:
        c.equal(got[1].get(f), got[0][f], '%s by clang' % f)
    c.done()


main()
