#!/usr/bin/env python3
"""A receive tag follows the port: after a failover in mid-transfer the other
card decrypts, and the first one no more."""
import os
import sys

import lib

WORLD = """ktls_sim: 1
name: rx-failover
seed: 1
until: 60s
hosts:
  server:
    nics: {em0: {model: basic}, em1: {model: basic}}
    laggs: {lagg0: {ports: [em0, em1]}}
    addresses: {lagg0: 10.0.0.1/24}
    files: {/f: {size: 8MiB, cached: true}}
  client:
    sysctl: {kern.ipc.tls.enable: 1, kern.ipc.tls.ifnet.permitted: 1}
    nics: {mce0: {model: cx6dx}, mce1: {model: cx6dx}}
    laggs: {lagg0: {ports: [mce0, mce1]}}
    addresses: {lagg0: 10.0.0.2/24}
links:
  - {name: wire0, ends: [server.em0, client.mce0], rate: 10Gbit/s, delay: 50us}
  - {name: wire1, ends: [server.em1, client.mce1], rate: 10Gbit/s, delay: 50us}
apps:
  web: {type: https-server, host: server,
        tls: {version: "1.3", suite: aes128-gcm, tx: openssl, rx: openssl}}
  get: {type: https-client, host: client, server: web, path: /f,
        tls: {version: "1.3", suite: aes128-gcm, tx: openssl, rx: kernel}}
timeline:
  - {at: 4ms, do: link_down, on: wire0}
%sexpect:
  - delivered: {app: get, bytes: 8MiB}
"""
OK = 'dev.mce.%d.pstats.rx_decrypted_ok_packets'


def run(c, sim, d, more=''):
    f = os.path.join(d, 'rx-failover.ktls.yaml')
    with open(f, 'w') as g:
        g.write(WORLD % more)
    r, report = lib.run_out(sim, f, os.path.join(d, 'out'))
    c.equal(r.returncode, 0, 'run: ' + r.stderr)
    return report['counters']['client']


def vlan(c, sim, d):
    """On a vlan over a lagg: the tag is the leaf card's own, asked for with the VLAN's
    number, or the card would not find its frames; without rxtls, software."""
    for rxtls in ('true', 'false'):
        r, report = lib.run_out(sim, lib.scenario('vlan-lagg'), os.path.join(d, 'vlan'), '--set',
                                'hosts.client.vlans.vlan7.rxtls=' + rxtls)
        # The file claims software, which is FreeBSD's; the other is not met then.
        c.equal(r.returncode, 1 if rxtls == 'true' else 0, 'vlan-lagg: ' + r.stderr)
        n = report['counters']['client']
        want = rxtls == 'true'
        for port in (0, 1):
            c.equal(n.get(OK % port, 0) > 1000, want, 'rxtls %s: card %d decrypted %s' % (
                rxtls, port, n.get(OK % port)))
        c.equal({x['client_side']['rx_mode'] for x in report['connections']},
                {'ifnet' if want else 'sw'}, 'rxtls %s: the mode' % rxtls)
        c.equal(n.get('kern.ipc.tls.ifnet.reset_failed', 0), 0, 'resets that failed')


def main():
    c = lib.Checks()
    with lib.tmpdir() as d:
        n = run(c, sys.argv[1], d)
        c.check(n.get(OK % 0, 0) > 500, 'the first card: %s' % n.get(OK % 0))
        c.check(n.get(OK % 1, 0) > 500, 'the second card: %s' % n.get(OK % 1))
        # From the lagg's to its port's at the first packet, and to the other's.
        c.equal(n.get('kern.ipc.tls.ifnet.reset', 0), 2, 'resets')
        c.equal(n.get('kern.ipc.tls.ifnet.reset_failed', 0), 0, 'resets that failed')
        # A card that refuses: software decrypts from there on, nothing is lost.
        n = run(c, sys.argv[1], d,
                '  - {at: 3ms, do: card, on: client.mce1, order: cmd-fail, count: 1000}\n')
        c.check(n.get(OK % 0, 0) > 500, 'the first card: %s' % n.get(OK % 0))
        c.equal(n.get(OK % 1, 0), 0, 'the second card, which refused')
        c.equal(n.get('kern.ipc.tls.ifnet.reset_failed', 0), 1, 'resets that failed')
        vlan(c, sys.argv[1], d)
    c.done()


main()
