#!/usr/bin/env python3
"""A path with everything that impairments do, Linux's TCP behind it: losses in
bursts, twins, late frames, damage, jitter; then a bottleneck that marks, and
both sides speak ECN. Nodes are changed while bytes are under way. What arrives
is the file."""
import os
import sys

import lib
import live

ROUGH = '''delay: 50us, name: path, jitter: 40us, impair: [
    {bursts: {enter: 0.2%, leave: 30%, bad: 60%}, name: storm},
    {duplicate: 1%}, {reorder: {chance: 1%, delay: 300us}},
    {corrupt: {chance: 0.5%, checksum: wrong}}]}'''
MARKS = '''delay: 50us, name: path, impair: [
    {rate: {rate: 200Mbit/s, queue: 1MiB, red: {min: 8KiB, max: 900KiB,
     chance: 100%, ecn: true}}, name: narrow}]}'''


def transfers(c, s, d, what):
    up = os.path.join(d, 'up')
    live.random_file(up, 3000000)
    for port, path, size in (('443', '/data.bin', 8 << 20),
                             ('8443', '/small.bin', 1 << 20)):
        url = 'https://10.77.0.1:' + port
        c.equal(s.get(url + path, 'down'), live.file_sha(path, size), what)
        c.equal(s.put(url + '/up', up), live.answer(up), what + ' upload')


def rough(c, sim, d, mode):
    f = live.scenario(d, ('delay: 50us}', ROUGH))
    with live.Session(sim, f, d, '--set', 'hosts.server.sysctl.kern.ipc.tls.'
                      'ifnet.permitted=%d' % (mode == 'ifnet')) as s:
        transfers(c, s, d, 'rough ' + mode)
        c.equal(s.ctl('do', 'impair', 'on=path', 'node=storm',
                      'enabled=false').stdout, 'ok\n', 'a node is changed')
        c.equal(s.get('https://10.77.0.1/small.bin', 'down'),
                live.file_sha('/small.bin', 1 << 20), 'calmer ' + mode)
        r = live.ended_well(c, s, 'rough ' + mode)
    c.equal(live.modes(r), {mode}, 'modes')
    done = {}
    for n in r['impairments']:
        for what in ('lost', 'duplicated', 'delayed', 'corrupted'):
            done[n['name'], what] = done.get((n['name'], what), 0) + n[what]
    for key in (('storm', 'lost'), ('duplicate', 'duplicated'),
                ('reorder', 'delayed'), ('corrupt', 'corrupted')):
        c.check(done[key] > 0, '%s: %s' % (key, done))


def marked(c, sim, d):
    f = live.scenario(d, ('delay: 50us}', MARKS))
    with live.Session(sim, f, d, prepare=lambda s: s.run(
            ['sh', '-c', 'echo 1 >/proc/sys/net/ipv4/tcp_ecn'])) as s:
        transfers(c, s, d, 'marks')
        r = live.ended_well(c, s, 'marks')
    n = r['counters']['server']

    def count(name):
        return n.get('net.inet.tcp.stats.' + name, 0)
    c.check(count('ecn_shs') >= 4, 'Linux asks, FreeBSD agrees: %r' % n)
    c.check(sum(x['marked'] for x in r['impairments']) > 0, 'marked')
    c.check(count('ecn_rcvece') > 0 and count('ecn_rcwnd') > 0,
            'Linux echoes marks, the window is reduced: %r' % n)
    c.check(count('ecn_rcvce') > 0, 'marks on what Linux sends: %r' % n)


def main():
    sim = sys.argv[1]
    live.need()
    c = lib.Checks()
    with lib.tmpdir() as d:
        rough(c, sim, d, 'sw')
        rough(c, sim, d, 'ifnet')
        marked(c, sim, d)
    c.done()


main()
