#!/usr/bin/env python3
"""256 MiB through the wire, both directions, both modes, with the release
build; the goodputs are told, not judged."""
import os
import sys

import lib
import live

SIZE = 256 << 20


def main():
    sim = lib.other_build('REL', 'sim/ktls-sim')
    mode = sys.argv[1]
    live.need()
    c = lib.Checks()
    with lib.tmpdir() as d:
        path = os.path.join(d, 'large')
        with live.Session(sim, lib.scenario('live'), d, '--set', 'hosts.server'
                          '.sysctl.kern.ipc.tls.ifnet.permitted=%d' %
                          (mode == 'ifnet')) as s:
            r = s.curl('-f', '-o', path, '-w', '%{speed_download}',
                       'https://10.77.0.1/large.bin')
            c.equal(r.returncode, 0, 'download: ' + r.stderr)
            c.equal(os.path.getsize(path), SIZE, 'download: size')
            print('%s: down %.0f MB/s' % (mode, float(r.stdout) / 1e6))
            r = s.curl('-f', '-T', path, '-w', '%{speed_upload}',
                       'https://10.77.0.1/up')
            answer, _, rate = r.stdout.rpartition('\n')
            # Each of them has read the other's bytes: one digest for all.
            c.equal(answer + '\n', live.answer(path), 'upload')
            print('%s: up %.0f MB/s' % (mode, float(rate or 0) / 1e6))
            with open(path, 'rb') as f:
                head, tail = f.read(4096), (f.seek(SIZE - 64), f.read())[1]
            c.equal(head, lib.file_bytes('/large.bin', 1, 4096), 'head')
            c.check(tail.startswith(b'0fffffc0 '), 'tail: %r' % tail)
            r = live.ended_well(c, s, 'large')
            c.equal(live.modes(r), {mode}, 'modes')
            print('%s: lag %.3f of %.3f s' % (mode, r['lag_ps'] / 1e12,
                                              r['end_ps'] / 1e12))
    c.done()


main()
