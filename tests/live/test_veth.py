#!/usr/bin/env python3
"""A veth pair through libpcap, with the peer's offloads off: as a TAP. With
them on, the session says what is wrong and how to mend it, and then it works."""
import os
import sys

import lib
import live

OFF = ['tx', 'off', 'tso', 'off', 'gso', 'off', 'gro', 'off']


def pair(offloads, mtu='1500'):
    def prepare(s):
        s.ip('link', 'add', 'kv0', 'type', 'veth', 'peer', 'name', 'kv1')
        for dev in ('kv0', 'kv1'):
            s.ip('link', 'set', dev, 'mtu', mtu, 'up')
        if not offloads:
            s.run(['ethtool', '-K', 'kv1', *OFF], check=True)
    return prepare


def transfers(c, s, d, what):
    up = os.path.join(d, 'up')
    live.random_file(up, 700001)
    for url in ('https://10.77.0.1', 'https://[fd77::1]:8443'):
        c.equal(s.get(url + '/small.bin', 'down'),
                live.file_sha('/small.bin', 1 << 20), what + url)
        c.equal(s.put(url + '/up', up), live.answer(up), what + url)


def main():
    sim = sys.argv[1]
    live.need('ethtool')
    c = lib.Checks()
    with lib.tmpdir() as d:
        f = live.scenario(d, ('tap:ktls0', 'veth:kv0'))
        with live.Session(sim, f, d, device='kv1', prepare=pair(False)) as s:
            transfers(c, s, d, 'veth ')
            live.ended_well(c, s, 'veth')
            c.check('ethtool -K PEER' not in s.said().split('Ctrl-C')[1],
                    'no complaint: ' + s.said())
        with live.Session(sim, f, d, '--set',
                          'hosts.server.nics.mce0.mtu=9000', device='kv1',
                          prepare=pair(False, '9000')) as s:
            transfers(c, s, d, 'veth, MTU 9000 ')
            live.ended_well(c, s, 'veth, MTU 9000')
        with live.Session(sim, f, d, device='kv1', prepare=pair(True)) as s:
            r = s.curl('-m', '3', 'https://10.77.0.1/hello.txt')
            c.check(r.returncode != 0, 'open checksums are not accepted')
            text = s.said().split('Ctrl-C')[1]
            c.check('veth:kv0: ' in text and 'checksum' in text and
                    'ethtool -K PEER tx off tso off gso off gro off' in text,
                    'the remedy is told: ' + text)
            s.run(['ethtool', '-K', 'kv1', *OFF], check=True)
            transfers(c, s, d, 'mended ')
            live.ended_well(c, s, 'veth, mended')
    c.done()


main()
