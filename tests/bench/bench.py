#!/usr/bin/env python3
"""Measures, asserts no time: the simulator against what a user could run
instead, on one machine in one run. The machines are shared and noisy: rows are
taken in turns, medians with their spread, and only ratios are worth quoting.

  bench.py KTLS-SIM BENCH_OPENSSL BENCH_NS3.CC OUT.json

BENCH_MIB (1024) payload of each row; BENCH_ROUNDS (5); KTLS_BENCH_NO_NS3=1."""
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

MIB = int(os.environ.get('BENCH_MIB', '1024'))
ROUNDS = int(os.environ.get('BENCH_ROUNDS', '5'))
RAW2 = 'OpenSSL AES-128-GCM both ways, 2 threads'
BIO = 'OpenSSL TLS over a BIO pair, 1 thread'
LOOPBACK = 'OpenSSL TLS over TCP loopback, 2 threads'
SOFT = 'ktls-sim: software TLS both ways'
SOFT_MB = 'ktls-sim: the same, ipsec-mb'
ALL_MB = 'ktls-sim: the same, ipsec-mb, every record judged'
CAPTURE = 'ktls-sim: software TLS, capture on'
MANY = 'ktls-sim: the same, synthetic handshakes'
PLAIN = 'ktls-sim: no TLS'
PLAIN_MANY = 'ktls-sim: no TLS, 1,000 connections at once'
NS3_ONE = 'ns-3 TCP, no TLS, 1 flow'
NS3_MANY = 'ns-3 TCP, no TLS, 1,000 flows'
NS3_MODULES = ['ns3-' + m for m in ('core', 'network', 'internet',
                                    'point-to-point', 'applications')]

# A cached file, fetched again and again on one connection, or once by each of
# many at once.
SCENARIO = '''ktls_sim: 1
name: bench
until: 3600s
hosts:
  server:
    sysctl: {kern.ipc.tls.enable: 1, kern.ipc.tls.ifnet.permitted: %(nic)d}
    nics: {mce0: {model: %(model)s}}
    addresses: {mce0: 10.0.0.1/24}
    files: {/f: {size: %(size)dB}}
    crypto: %(crypto)s
  client:
    crypto: %(crypto)s
    sysctl: {kern.ipc.tls.enable: 1}
    nics: {em0: {}}
    addresses: {em0: 10.0.0.2/24}
links:
  - {ends: [server.mce0, client.em0], delay: 20us}
apps:
  web: {type: https-server, host: server, backlog: 1024, sndbuf: %(sndbuf)s%(stls)s}
  get: {type: https-client, host: client, server: web, path: /f,
        connections: %(conns)d, requests: %(requests)d, interval: 1us%(ctls)s}
expect:
  - delivered: {app: get, bytes: %(all)dB}
capture: {wire: %(wire)s}
checks: {records: %(records)s}
'''
# Of many: enough that it is their transfer that is measured, not their set-up.
EACH = 4 << 20


def timed(args):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    t = time.monotonic()
    r = subprocess.run(args, capture_output=True, text=True)
    wall = time.monotonic() - t
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if r.returncode != 0:
        raise SystemExit('%s: %s%s' % (args, r.stdout, r.stderr))
    return wall, (after.ru_utime + after.ru_stime -
                  before.ru_utime - before.ru_stime), r.stdout


def sim(exe, folder, tls='openssl', crypto='openssl', nic=0, model='basic',
        many=0, records='false', wire='false'):
    """One run; (wall, CPU, frames, bytes). tls: the handshake, or nothing."""
    conns = many or 1
    requests = 1 if many else max(1, MIB // 16)
    size = EACH if many else (MIB << 20) // requests
    path = os.path.join(folder, 'bench.ktls.yaml')
    with open(path, 'w') as f:
        f.write(SCENARIO % {
            'nic': nic, 'model': model, 'size': size, 'conns': conns,
            'requests': requests, 'all': size * conns * requests,
            'crypto': crypto, 'wire': wire, 'records': records,
            'sndbuf': '256KiB' if many else '2MiB',
            'stls': ', tls: {tx: kernel, handshake: %s}' % tls if tls else '',
            'ctls': ', tls: {tx: openssl, rx: kernel, handshake: %s}' % tls
                    if tls else ''})
    out = os.path.join(folder, 'out')
    wall, cpu, _ = timed([exe, 'run', '--quiet', '--out', out, path])
    with open(os.path.join(out, 'report.json')) as f:
        report = json.load(f)
    frames = sum(n for host in report['counters'].values()
                 for name, n in host.items() if name.endswith('.tx_frames'))
    return wall, cpu, frames, size * conns * requests


def openssl(exe, kind):
    wall, cpu = map(float, timed([exe, kind, str(MIB)])[2].split())
    return wall, cpu, None, MIB << 20


def ns3_build(source, folder):
    """The program, or why there is none."""
    if os.environ.get('KTLS_BENCH_NO_NS3') == '1':
        return None, 'left out (KTLS_BENCH_NO_NS3)'
    if not shutil.which('g++') or not shutil.which('pkg-config') or \
            subprocess.run(['pkg-config', '--exists'] + NS3_MODULES).returncode:
        return None, 'not here (apt-get install libns3-dev g++)'
    flags = subprocess.run(['pkg-config', '--cflags', '--libs'] + NS3_MODULES,
                           capture_output=True, text=True,
                           check=True).stdout.split()
    # It names libraries of ns-3's own that only their -dev packages have.
    flags = [f for f in flags if f[0] != '/' or os.path.exists(f)]
    exe = os.path.join(folder, 'bench_ns3')
    r = subprocess.run(['g++', '-O2', '-std=c++17', source, '-o', exe] + flags,
                       capture_output=True, text=True)
    if r.returncode != 0:
        return None, 'does not compile: ' + r.stderr.strip().splitlines()[0]
    return exe, ''


def ns3(exe, flows):
    # An eighth: it is slow, and the speed does not depend on the length.
    out = timed([exe, str(flows), str(max(8, MIB // 8))])[2].split()
    return float(out[0]), float(out[1]), int(out[2]), int(out[3])


def summary(what, runs):
    """Medians, and the range of the goodput."""
    speed = sorted(b / w / 2**20 for w, c, f, b in runs)
    row = {'what': what, 'mib_per_s': statistics.median(speed),
           'mib_per_s_min': speed[0], 'mib_per_s_max': speed[-1],
           'cpu_s_per_gib': statistics.median(c / b * 2**30
                                              for w, c, f, b in runs),
           'seconds': [w for w, c, f, b in runs]}
    if runs[0][2] is not None:
        row['frames_per_s'] = statistics.median(f / w for w, c, f, b in runs)
    return row


def ratio(rows, a, b, key):
    if a in rows and b in rows and key in rows[a] and key in rows[b]:
        return '%.2f' % (rows[a][key] / rows[b][key])
    return 'not measured'


def main():
    exe, ossl, source, out = sys.argv[1:]
    with tempfile.TemporaryDirectory() as d:
        ns3_exe, why = ns3_build(source, d)
        work = [
            ('OpenSSL AES-128-GCM both ways, 1 thread', openssl, (ossl, 'raw')),
            (RAW2, openssl, (ossl, 'raw2')),
            (BIO, openssl, (ossl, 'biopair')),
            (LOOPBACK, openssl, (ossl, 'loopback')),
            (SOFT, sim, (exe, d)),
            (SOFT_MB, sim, (exe, d, 'openssl', 'ipsec-mb')),
            ('ktls-sim: software TLS, every record judged', sim,
             (exe, d, 'openssl', 'openssl', 0, 'basic', 0, 'true')),
            (ALL_MB, sim,
             (exe, d, 'openssl', 'ipsec-mb', 0, 'basic', 0, 'true')),
            (CAPTURE, sim,
             (exe, d, 'openssl', 'openssl', 0, 'basic', 0, 'false', 'true')),
            ('ktls-sim: NIC TLS to kernel receive', sim,
             (exe, d, 'openssl', 'openssl', 1, 'ideal')),
            ('ktls-sim: software TLS, 1,000 connections at once', sim,
             (exe, d, 'openssl', 'openssl', 0, 'basic', 1000)),
            (MANY, sim, (exe, d, 'synthetic', 'openssl', 0, 'basic', 1000)),
            (PLAIN, sim, (exe, d, '')),
            (PLAIN_MANY, sim, (exe, d, '', 'openssl', 0, 'basic', 1000)),
        ]
        if ns3_exe:
            work += [(NS3_ONE, ns3, (ns3_exe, 1)),
                     (NS3_MANY, ns3, (ns3_exe, 1000))]
        runs = {what: [] for what, _, _ in work}
        for _ in range(ROUNDS):
            for what, fn, args in work:
                runs[what].append(fn(*args))
    rows = {what: summary(what, r) for what, r in runs.items()}
    print('%d MiB of payload a row (ns-3: an eighth), %d rounds in turns. '
          'ktls-sim: a cached file of 16 MiB again and again on one connection, '
          'or of 4 MiB on each of 1,000; process start, handshakes and the '
          'ledger included; records are judged (checks.records) where it says '
          'so.\n' % (MIB, ROUNDS))
    print('| what | goodput MiB/s, median (min-max) | frames/s, both ways | '
          'CPU s/GiB, both ends |\n|---|---|---|---|')
    for what, r in rows.items():
        print('| %s | %.0f (%.0f-%.0f) | %s | %.2f |' %
              (what, r['mib_per_s'], r['mib_per_s_min'], r['mib_per_s_max'],
               '%.0f k' % (r['frames_per_s'] / 1000)
               if 'frames_per_s' in r else '', r['cpu_s_per_gib']))
    if not ns3_exe:
        print('| ns-3 | %s | | |' % why)
    wanted = [
        ('software TLS / raw AES-GCM on 2 threads', SOFT, RAW2, 'mib_per_s'),
        ('the same, ipsec-mb', SOFT_MB, RAW2, 'mib_per_s'),
        ('software TLS / BIO pair', SOFT, BIO, 'mib_per_s'),
        ('the same, ipsec-mb', SOFT_MB, BIO, 'mib_per_s'),
        ('the same, ipsec-mb, every record judged', ALL_MB, BIO, 'mib_per_s'),
        ('software TLS / TCP loopback, CPU per GiB (less is better)', SOFT,
         LOOPBACK, 'cpu_s_per_gib'),
        ('the same, ipsec-mb', SOFT_MB, LOOPBACK, 'cpu_s_per_gib'),
        ('capture on / off', CAPTURE, SOFT, 'mib_per_s'),
        ('1,000 connections at once / one, software TLS', MANY, SOFT,
         'mib_per_s'),
        ('1,000 connections at once / one, no TLS', PLAIN_MANY, PLAIN,
         'mib_per_s'),
        ('no TLS / ns-3, one flow, frames per second', PLAIN, NS3_ONE,
         'frames_per_s'),
        ('no TLS / ns-3, 1,000 flows, frames per second', PLAIN_MANY, NS3_MANY,
         'frames_per_s'),
    ]
    ratios = [(what, ratio(rows, x, y, key)) for what, x, y, key in wanted]
    print('\n| ratio of medians | |\n|---|---|')
    for what, value in ratios:
        print('| %s | %s |' % (what, value))
    with open(out, 'w') as f:
        json.dump({'mib': MIB, 'rounds': ROUNDS, 'ns3': why or 'measured',
                   'rows': list(rows.values()), 'ratios': ratios}, f,
                  indent=1)
    print('\nfigures: ' + out)


main()
