"""What cards cost: one flow over one card, measured by the card's own counters.
Used by test_shapes.py (are the shapes those of the fact sheet?) and by curves.py
(CSV and SVG)."""
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'scenario'))
import lib  # noqa: E402

MSS = 1448
PAGE = 4096

WORLD = '''ktls_sim: 1
name: card-shape
until: %(until)s
hosts:
  server:
    cpus: 8
    coarse_timestamps: true
    sysctl: {kern.ipc.tls.enable: 1, kern.ipc.tls.ifnet.permitted: %(permitted)d,
             kern.ipc.tls.ifnet_max_rexmit_pct: %(pct)d}
    nics: {mce0: {%(nic)s}}
    addresses: {mce0: 10.0.0.1/24}
    files: {/f: {size: %(size)dB, cached: %(cached)s}}
  client:
    nics: {em0: {rx_coalesce: 0us, lro: %(lro)s}}
    addresses: {em0: 10.0.0.2/24}
links:
  - {ends: [server.mce0, client.em0], rate: %(rate)s, delay: %(delay)s, loss: %(loss).4f%%, queue: 64MiB, back: {loss: 0%%}}
apps:
  web: {type: https-server, host: server, sndbuf: %(sndbuf)s, tls: {version: "1.2", suite: aes128-gcm, handshake: synthetic}}
  get: {type: https-client, host: client, server: web, path: /f, connections: %(conns)d, rcvbuf: %(sndbuf)s,
        tls: {version: "1.2", suite: aes128-gcm, handshake: synthetic}}
checks: {records: false}
capture: {wire: false}
'''
USUAL = dict(permitted=1, pct=100, nic='model: cx6dx', size=1 << 20, cached='true',
             rate='10Gbit/s', delay='50us', loss=0, sndbuf='4MiB', conns=1, lro='true',
             until='80000s')


def run(sim, d, **keys):
    """The report of such a world."""
    path = os.path.join(d, 'card-shape.ktls.yaml')
    with open(path, 'w') as f:
        f.write(WORLD % {**USUAL, **keys})
    r, report = lib.run_out(sim, path, os.path.join(d, 'out'))
    if r.returncode != 0:
        raise SystemExit('%r: %s' % (keys, r.stdout + r.stderr))
    return report


def counter(report, name, host='server'):
    return report['counters'][host].get(name, 0)


def sums(report, prefix, suffix):
    return sum(v for k, v in report['counters']['server'].items()
               if k.startswith(prefix) and k.endswith(suffix))


def first_bytes(report):
    """Stream bytes that went out for the first time."""
    return sum(c['client_side']['tcp']['bytes_received'] for c in report['connections'])


def dma_ratio(report):
    """All payload bytes that crossed the bus, over first-time bytes."""
    return counter(report, 'dev.mce0.dma_payload') / first_bytes(report)


def loss_seen(report):
    """Percent of data segments that were sent again."""
    side = [c['server_side'] for c in report['connections']]
    again = sum(s['retransmitted_packets'] for s in side)
    return 100 * again / (first_bytes(report) / MSS)


def rate_bps(report):
    """Of body bytes, all connections."""
    conns = report['connections']
    took = max(c['end_ps'] for c in conns) - min(c['established_ps'] for c in conns)
    return sum(c['body_bytes'] for c in conns) * 8e12 / took


def rate_until(report):
    """The same where the run ends before they are done."""
    return sum(c['body_bytes'] for c in report['connections']) * 8e12 / report['end_ps']


def memory_passes(report):
    """How often a payload byte crossed the memory bus: from disk, read and
    written by the worker, read by the card."""
    body = sum(c['body_bytes'] for c in report['connections'])
    return (counter(report, 'sim.vfs.disk_pages') * PAGE +
            2 * counter(report, 'sim.tls.sw_tx_bytes') +
            counter(report, 'dev.mce0.dma_payload')) / body


# CPU of TCP, sockets and driver per payload byte, in ns: not modelled. Taken so
# that software TLS at 90 Gbit/s is 68 % of 16 CPUs (Netflix, FreeBSD Journal
# 2021), of which the sheet's 35 % are this.
OTHER_NS = 0.35 * 16 / 11.25


def cpu_ns(report):
    """Per payload byte: the workers' cryptography, modelled, with its memory
    traffic (twice a byte), and the rest, which is a constant."""
    body = sum(c['body_bytes'] for c in report['connections'])
    return counter(report, 'sim.tls.worker_ns') / body, OTHER_NS
