#!/usr/bin/env python3
"""Rates of card TLS: a card without TXTLS_RTLMT refuses them, a card keeps to
them, and over a lagg they move with the connection."""
import errno
import json
import os
import sys

import lib

WORLD = """ktls_sim: 1
name: rates
seed: 1
until: 60s
hosts:
  server:
    sysctl: {kern.ipc.tls.enable: 1, kern.ipc.tls.ifnet.permitted: 1,
             kern.ipc.tls.ifnet_max_rexmit_pct: 100}
    nics: {nic0: {model: %s}}
    addresses: {nic0: 10.0.0.1/24}
    files: {/f: {size: 4MiB, cached: true}}
    coarse_timestamps: true
  client:
    nics: {em0: {model: basic}}
    addresses: {em0: 10.0.0.2/24}
links:
  - {ends: [server.nic0, client.em0], rate: 10Gbit/s, delay: 50us}
apps:
  web: {type: https-server, host: server, %s
        tls: {version: "1.2", suite: aes128-gcm, tx: kernel, rx: openssl}}
  get: {type: https-client, host: client, server: web, path: /f, connections: 2,
        tls: {version: "1.2", suite: aes128-gcm, tx: openssl, rx: openssl}}
timeline: %s
expect:
  - mode: {app: web, dir: tx, is: ifnet}
  - delivered: {app: get, bytes: 8MiB}
"""
REFUSED = 'net.inet.ip.rl.refused'
STEP = '[{at: 2ms, do: pacing, on: web, rate: %s%s}]'


def run(c, sim, d, text, *options):
    """(counters of the server, traced events)."""
    f = os.path.join(d, 'rates.ktls.yaml')
    with open(f, 'w') as g:
        g.write(text)
    out = os.path.join(d, 'out')
    r, report = lib.run_out(sim, f, out,
                            '--trace=tag_alloc,tag_refused,app_error', *options)
    c.equal(r.returncode, 0, 'run: ' + r.stderr)
    with open(os.path.join(out, 'trace.ndjson')) as g:
        events = [json.loads(line) for line in g]
    return report, [e for e in events if 'point' in e]


def of(events, point, **keys):
    return [e for e in events if e['point'] == point and
            all(e.get(k) == v for k, v in keys.items())]


def test_refused(c, sim, d):
    """Chelsio's T6 has neither kind of rate: ENODEV, the connections go on."""
    report, ev = run(c, sim, d, WORLD % ('t6', '', STEP % ('500Mbit/s', '')))
    n = report['counters']['server']
    c.equal(n.get(REFUSED), 2, 't6: rates refused')
    c.equal(n.get('kern.ipc.tls.ifnet.reset', 0), 0, 't6: resets')
    errors = of(ev, 'app_error', app='web')
    c.equal([e['error'] for e in errors], [errno.ENODEV] * 2, 't6: what web heard')
    c.equal(len(of(ev, 'tag_alloc', type='TLS rate limit')), 0, 't6: tags')
    # Nor has a ConnectX, once it is told so.
    off = '[{at: 1ms, do: ifconfig, on: server.nic0, args: "-txtlsrtlmt"}, '
    report, ev = run(c, sim, d, WORLD % ('cx6dx', '', off + (STEP % ('500Mbit/s', ''))[1:]))
    c.equal(report['counters']['server'].get(REFUSED), 2, '-txtlsrtlmt: rates refused')
    c.equal([e['error'] for e in of(ev, 'app_error', app='web')], [errno.ENODEV] * 2, '-txtlsrtlmt')


def test_one_of_them(c, sim, d):
    """`connection` picks one; a rate above the card's table is ENOENT."""
    report, ev = run(c, sim, d, WORLD % ('cx6dx', '', STEP %
                                         ('100Mbit/s', ', connection: 1')))
    n = report['counters']['server']
    c.equal(n.get('net.inet.ip.rl.newrl'), 1, 'rates')
    c.equal(n.get('kern.ipc.tls.ifnet.reset'), 1, 'resets')
    c.equal(len(of(ev, 'tag_alloc', type='TLS rate limit')), 1, 'tags')
    report, ev = run(c, sim, d, WORLD % ('cx6dx', '', STEP % ('30Gbit/s', '')))
    errors = of(ev, 'app_error', app='web')
    c.equal([e['error'] for e in errors], [errno.ENOENT] * 2, 'above the table')


def test_rate_is_kept(c, sim, d):
    """4 MiB and 4.6 % of headers at 200 Mbit/s are 175 ms and more: neither
    sooner nor, but for records and the handshake, later."""
    report, ev = run(c, sim, d, WORLD % ('cx6dx', 'pacing_rate: 200Mbit/s,', '[]'))
    c.equal(len(of(ev, 'tag_alloc', type='TLS rate limit')), 2, 'tags at once')
    n = report['counters']['server']
    c.equal(n.get('kern.ipc.tls.ifnet.reset', 0), 0, 'resets')
    took = report['end_ps'] / 1e9
    c.check(175 < took < 179, '4 MiB at 200 Mbit/s took %.3f ms' % took)


def test_failover(c, sim, d):
    """After it, each connection of web has a rate limited tag again."""
    with open(lib.scenario('pacing')) as f:
        report, ev = run(c, sim, d, f.read())
    tags = of(ev, 'tag_alloc', at='server', ifp='lagg0', type='TLS rate limit')
    # Later all faults are off: what still lives moves back.
    tags = [t for t in tags if t['ps'] < report['end_ps']]
    late = [t for t in tags if t['ps'] > 122 * 10 ** 9]
    c.equal(len(tags), 9, 'rate limited tags of web (2 each) and slow')
    c.equal(len({t['conn'] for t in late}), 4, 'connections that moved')
    # Whole answers, although slow's FIN overtook bytes in the queue of its rate.
    answers = lib.tshark(os.path.join(d, 'out', 'wire.pcapng'), '-o', 'tcp.reassemble_out_of_order:TRUE', '-Y', 'http.response', '-T', 'fields',
                         '-e', 'http.response.code', '-e', 'http.content_length')
    if answers is not None:
        c.equal(sorted(answers.splitlines()), ['200\t1048576'] + ['200\t12582912'] * 4, 'answers')


def main():
    c = lib.Checks()
    with lib.tmpdir() as d:
        for test in (test_refused, test_one_of_them, test_rate_is_kept,
                     test_failover):
            test(c, sys.argv[1], d)
    c.done()


main()
