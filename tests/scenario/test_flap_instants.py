#!/usr/bin/env python3
"""A port's link fails, or comes back, at every segment boundary inside one
16 KiB record: for each card, IP version and direction the connection takes one
new tag, keeps its mode, and delivers every byte; no plaintext gets out."""
import os
import sys

import lib

WORLD = """ktls_sim: 1
name: instants
seed: 1
until: 60s
hosts:
  server:
    coarse_timestamps: true
    sysctl:
      kern.ipc.tls.enable: 1
      kern.ipc.tls.ifnet.permitted: 1
      kern.ipc.tls.ifnet_max_rexmit_pct: 100
    nics: {c0: {model: %(a)s}, c1: {model: %(b)s}}
    laggs: {lagg0: {ports: [c0, c1]}}
    addresses: {lagg0: [10.0.0.1/24, fd00::1/64]}
    files: {/f: {size: 384KiB, cached: true}}
  client:
    nics: {em0: {model: basic}, em1: {model: basic}}
    laggs: {lagg0: {ports: [em0, em1]}}
    addresses: {lagg0: [10.0.0.2/24, fd00::2/64]}
links:
  - {ends: [server.c0, client.em0], rate: 1Gbit/s, delay: 20us}
  - {ends: [server.c1, client.em1], rate: 1Gbit/s, delay: 20us}
apps:
  web: {type: https-server, host: server, sndbuf: 1MiB,
        tls: {version: "%(tls)s", suite: aes128-gcm, tx: kernel, rx: openssl, handshake: synthetic}}
  get: {type: https-client, host: client, server: web, path: /f, family: %(ip)s,
        tls: {version: "%(tls)s", suite: aes128-gcm, tx: openssl, rx: openssl, handshake: synthetic}}
timeline:
%(steps)sexpect:
  - delivered: {app: get, bytes: 384KiB}
  - mode: {app: web, is: ifnet}
  - counter: {host: server, name: kern.ipc.tls.ifnet.reset, is: 1}
  - counter: {host: server, name: kern.ipc.tls.ifnet.reset_failed, is: 0}
"""
RECORD = 9
SEGMENTS = 12           # 16 KiB and a header and tag, in segments of 1448
AT = 'when: "record(flow1, %d).segment(%%d).sent", must: true' % RECORD
# The first port fails; or it was down from the beginning and comes back, and
# being the primary takes the connection.
WAYS = {'down': ['%s, do: link_down, on: server.c0' % AT],
        'up': ['at: 0s, do: link_down, on: server.c0', '%s, do: link_up, on: server.c0' % AT]}
PAIRS = [('ideal', 'ideal', '1.3'), ('cx6dx', 'cx6dx', '1.3'), ('cx6dx', 'cx6dx', '1.2'),
         ('t6', 't6', '1.2'), ('cx6dx', 't6', '1.2')]


def main():
    c = lib.Checks()
    runs = 0
    with lib.tmpdir() as d:
        f = os.path.join(d, 'instants.ktls.yaml')
        for a, b, tls in PAIRS:
            for way, steps in WAYS.items():
                for ip in ('ipv4', 'ipv6'):
                    for k in range(1, SEGMENTS + 1):
                        text = ''.join('  - {%s}\n' % (s % k if '%d' in s else s) for s in steps)
                        with open(f, 'w') as g:
                            g.write(WORLD % {'a': a, 'b': b, 'tls': tls, 'ip': ip, 'steps': text})
                        r, _ = lib.run_out(lib.optimised(sys.argv[1]), f, os.path.join(d, 'out'),
                                           '--set', 'capture.wire=false')
                        what = '%s %s TLS %s %s %s segment %d' % (a, b, tls, way, ip, k)
                        if r.returncode != 0:
                            with open(os.path.join(d, 'out', 'report.txt')) as g:
                                r.stderr += g.read()[-1500:]
                        c.equal(r.returncode, 0, '%s: %s' % (what, r.stderr))
                        runs += 1
        c.equal(runs, len(PAIRS) * len(WAYS) * 2 * SEGMENTS, 'runs')
    c.done()


main()
