#!/usr/bin/env python3
"""A lagg that flaps: every 50 ms for ten seconds with nothing lost, a thousand
failovers after which mbufs, sessions, tags and references are all home, and
all ports down for a while."""
import os
import sys

import lib

WORLD = """ktls_sim: 1
name: flapping
seed: 1
until: 3000s
hosts:
  server:
    coarse_timestamps: true
    sysctl:
      kern.ipc.tls.enable: 1
      kern.ipc.tls.ifnet.permitted: 1
      kern.ipc.tls.ifnet_max_rexmit_pct: 100
    nics: {c0: {model: %(model)s}, c1: {model: %(model)s}}
    laggs: {lagg0: {ports: [c0, c1]}}
    addresses: {lagg0: 10.0.0.1/24}
    files: {/f: {size: %(size)s, cached: true}}
  client:
    nics: {em0: {model: basic}, em1: {model: basic}}
    laggs: {lagg0: {ports: [em0, em1]}}
    addresses: {lagg0: 10.0.0.2/24}
links:
  - {ends: [server.c0, client.em0], rate: %(rate)s, delay: 20us}
  - {ends: [server.c1, client.em1], rate: %(rate)s, delay: 20us}
apps:
  web: {type: https-server, host: server, sndbuf: %(sndbuf)s,
        tls: {version: "1.2", suite: aes128-gcm, tx: kernel, rx: openssl, handshake: synthetic}}
  get: {type: https-client, host: client, server: web, path: /f, connections: %(n)d, interval: 100us,
        tls: {version: "1.2", suite: aes128-gcm, tx: openssl, rx: openssl, handshake: synthetic}}
capture: {wire: false}
timeline:
%(steps)sexpect:
  - delivered: {app: get, bytes: %(all)s}
  - mode: {app: web, is: ifnet}
  - counter: {host: server, name: kern.ipc.tls.ifnet.reset_failed, is: 0}
  - counter: {host: server, name: net.inet.tcp.stats.drops, is: 0}
"""


def run(c, sim, d, what, steps, n=1, size=1, model='ideal', rate='1Gbit/s',
        sndbuf='64KiB'):
    f = os.path.join(d, 'flapping.ktls.yaml')
    with open(f, 'w') as g:
        g.write(WORLD % {'model': model, 'n': n, 'sndbuf': sndbuf, 'size': '%dMiB' % size, 'rate': rate,
                         'all': '%dMiB' % (n * size),
                         'steps': ''.join('  - {%s}\n' % s for s in steps)})
    r, report = lib.run_out(sim, f, os.path.join(d, 'out'))
    text = ''
    if r.returncode != 0 and os.path.exists(os.path.join(d, 'out', 'report.txt')):
        with open(os.path.join(d, 'out', 'report.txt')) as g:
            text = g.read()[-2500:]
    c.equal(r.returncode, 0, '%s: %s%s' % (what, r.stderr, text))
    for inv in report['invariants']:
        c.equal(inv['broken'], 0, '%s: %s' % (what, inv))
    return report['counters']['server']


def flips(count, every_ms):
    return ['at: %dms, do: link_%s, on: server.c0' % (2 + i * every_ms, ('down', 'up')[i % 2])
            for i in range(count)]


def main():
    c = lib.Checks()
    sim = lib.optimised(sys.argv[1])
    with lib.tmpdir() as d:
        for model in ('ideal', 'cx6dx', 't6'):
            n = run(c, sim, d, 'every 50 ms, ' + model, flips(200, 50), n=20, size=4, model=model)
            c.check(n['kern.ipc.tls.ifnet.reset'] >= 200, '%s: resets' % model)
        # Slow enough to last, often enough that each change is felt.
        for model in ('cx6dx', 't6'):
            n = run(c, sim, d, 'a thousand, ' + model, flips(1100, 1500), size=180, model=model,
                    rate='1Mbit/s', sndbuf='16KiB')
            c.check(n['kern.ipc.tls.ifnet.reset'] >= 1000, '%s: %d resets' % (
                model, n['kern.ipc.tls.ifnet.reset']))
            taken = n['dev.c0.tls_tags_taken'] + n['dev.c1.tls_tags_taken']
            c.equal(taken, n['kern.ipc.tls.ifnet.reset'] + 1, model + ': tags taken')
            # The last one goes with its connection, which is closing.
            gone = n['dev.c0.tls_tags_released'] + n['dev.c1.tls_tags_released']
            c.check(taken - gone <= 1, '%s: %d tags taken, %d released' % (model, taken, gone))
        # All ports down is ENETDOWN and no reset; when one comes back it goes on.
        n = run(c, sim, d, 'all ports down', [
            'at: 4ms, do: link_down, on: server.c0', 'at: 4ms, do: link_down, on: server.c1',
            'at: 900ms, do: link_up, on: server.c0'], size=8)
        c.equal(n.get('kern.ipc.tls.ifnet.reset', 0), 0, 'all down and the same port back: resets')
        n = run(c, sim, d, 'all ports down', [
            'at: 4ms, do: link_down, on: server.c0', 'at: 4ms, do: link_down, on: server.c1',
            'at: 900ms, do: link_up, on: server.c1'], size=8)
        c.equal(n.get('kern.ipc.tls.ifnet.reset', 0), 1, 'all down and the other port back: resets')
        # Back in the middle of a reset: the old tag is gone, the T6 makes the new one.
        both = 0
        for us in range(0, 40, 4):
            n = run(c, sim, d, 'back %d us after the old tag went' % us, [
                'at: 4ms, do: link_down, on: server.c0',
                'when: "counter(server, dev.c0.tls_tags_released) >= 1", after: %dus, '
                'do: link_up, on: server.c0, must: true' % us], size=16, model='t6')
            both += n['kern.ipc.tls.ifnet.reset'] == 2
            c.check(n['kern.ipc.tls.ifnet.reset'] in (1, 2), 'resets: %d' %
                    n['kern.ipc.tls.ifnet.reset'])
        c.check(both > 0, 'a tag that was of the wrong port when it came')
    c.done()


main()
