#!/usr/bin/env python3
"""Linux downloads from a server on a lagg: a port's cable is pulled in the
middle of it, and put in again, with each card and both IP versions. The
download goes on, each change costs one new send tag, and the file is right."""
import os
import sys

import lib
import live

T6 = ['--set', 'hosts.server.nics.mce0.model=t6', '--set', 'hosts.server.nics.mce1.model=t6',
      '--set', 'hosts.server.coarse_timestamps=true']
SIZE = 64 << 20


def reset(s):
    return int(s.ctl('sysctl', 'server', 'kern.ipc.tls.ifnet.reset').stdout.split()[1])


def fetch(c, s, url, flips, what):
    """Pull and plug cables while curl runs; after each, wait for the new tag."""
    path = os.path.join(s.d, 'got')
    open(path, 'w').close()
    before = reset(s)
    p = s.start(['curl', '-sSkg', '-f', '-m', live.CURL_MAX, '-o', path, url])
    for i, flip in enumerate(flips):
        at = (i + 1) * SIZE // (len(flips) + 2)
        s.wait_for(lambda: os.path.getsize(path) > at or p.poll() is not None)
        c.check(p.poll() is None, '%s: the download was over before change %d' % (what, i))
        r = s.ctl('link', *flip)
        c.equal(r.returncode, 0, '%s: %s: %s' % (what, flip, r.stdout))
        s.wait_for(lambda: reset(s) == before + i + 1 or p.poll() is not None)
    out, err = p.communicate()
    c.equal(p.returncode, 0, '%s: curl: %s' % (what, err))
    c.equal(live.sha(path), live.file_sha('/data.bin', SIZE), what + ': the file')
    c.equal(reset(s) - before, len(flips), what + ': new send tags')


def main():
    c = lib.Checks()
    live.need('tshark')
    with lib.tmpdir() as d:
        for card, port, options in (('cx6dx', 443, []), ('t6', 8443, T6)):
            with live.Session(sys.argv[1], lib.scenario('live-lagg'), d, *options) as s:
                for ip in ('10.77.0.1', '[fd77::1]'):
                    fetch(c, s, 'https://%s:%d/data.bin' % (ip, port),
                          [('down', 'mce0'), ('up', 'mce0')], '%s %s' % (card, ip))
                c.equal(int(s.ctl('sysctl', 'server', 'kern.ipc.tls.ifnet.reset_failed')
                            .stdout.split()[1]), 0, card + ': refused')
                r = live.ended_well(c, s, card)
                c.equal(live.modes(r), {'ifnet'}, card + ': the modes')
                # A T6 sends old bytes in front of new ones: Wireshark would have to be told.
                if card == 'cx6dx':
                    rc, lines = live.decrypted(s)
                    c.equal((rc, sum('GET' in x for x in lines), sum('200' in x for x in lines)),
                            (0, 2, 2), 'stock tshark, across the failovers: %s' % lines)
    c.done()


main()
