#!/usr/bin/env python3
"""Measures, asserts nothing: the simulator against OpenSSL doing the same
cryptography, in one run on one machine, as ratios. The machines are shared
and noisy: medians and spread of several rounds."""
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time

MIB = int(os.environ.get('BENCH_MIB', '256'))
ROUNDS = int(os.environ.get('BENCH_ROUNDS', '5'))

SCENARIO = '''ktls_sim: 1
name: bench
until: 600s
hosts:
  server:
    sysctl: {kern.ipc.tls.enable: 1, kern.ipc.tls.ifnet.permitted: %(nic)d}
    nics: {mce0: {model: %(model)s}}
    addresses: {mce0: 10.0.0.1/24}
    files: {/f: {size: %(size)dMiB}}
  client:
    sysctl: {kern.ipc.tls.enable: 1}
    nics: {em0: {}}
    addresses: {em0: 10.0.0.2/24}
links:
  - {ends: [server.mce0, client.em0], delay: 20us}
apps:
  web: {type: https-server, host: server, backlog: 1024, tls: {tx: kernel}}
  get: {type: https-client, host: client, server: web, path: /f, connections: %(conns)d,
        tls: {tx: openssl, rx: kernel}}
capture: {wire: %(wire)s}
'''


def timed(args):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    t = time.monotonic()
    r = subprocess.run(args, capture_output=True, text=True)
    wall = time.monotonic() - t
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if r.returncode != 0:
        raise SystemExit('%s: %s' % (args, r.stderr))
    return wall, (after.ru_utime + after.ru_stime -
                  before.ru_utime - before.ru_stime), r.stdout


def sim(exe, folder, **kw):
    path = os.path.join(folder, 'bench.ktls.yaml')
    with open(path, 'w') as f:
        f.write(SCENARIO % kw)
    wall, cpu, _ = timed([exe, 'run', '--quiet', '--threads', '2', '--out',
                          os.path.join(folder, 'out'), path])
    return wall, cpu


def main():
    exe, ossl = sys.argv[1:]
    rows = {}
    with tempfile.TemporaryDirectory() as d:
        for _ in range(ROUNDS):
            for kind in ('raw', 'biopair'):
                wall, cpu, out = timed([ossl, kind, str(MIB)])
                w, c = map(float, out.split())
                rows.setdefault('OpenSSL ' + kind, []).append((w, c))
            rows.setdefault('software TLS both ways', []).append(sim(
                exe, d, nic=0, model='basic', size=MIB, conns=1, wire='false'))
            rows.setdefault('software TLS, capture on', []).append(sim(
                exe, d, nic=0, model='basic', size=MIB, conns=1, wire='true'))
            rows.setdefault('NIC TLS to kernel receive', []).append(sim(
                exe, d, nic=1, model='ideal', size=MIB, conns=1, wire='false'))
            rows.setdefault('the same bytes over 256 connections', []).append(
                sim(exe, d, nic=0, model='basic', size=max(1, MIB // 256),
                    conns=256, wire='false'))
    raw = statistics.median(w for w, c in rows['OpenSSL raw'])
    bio = statistics.median(w for w, c in rows['OpenSSL biopair'])
    print('%d MiB, %d rounds; speed as ratio to OpenSSL (1 = as fast)' %
          (MIB, ROUNDS))
    print('| what | MiB/s median (min-max) | CPU s per GiB | of raw AES-GCM '
          'both ways, one core | of the BIO pair |')
    print('|---|---|---|---|---|')
    result = []
    for what, runs in rows.items():
        walls = sorted(w for w, c in runs)
        med = statistics.median(walls)
        cpu = statistics.median(c for w, c in runs) / MIB * 1024
        print('| %s | %.0f (%.0f-%.0f) | %.2f | %.2f | %.2f |' %
              (what, MIB / med, MIB / walls[-1], MIB / walls[0], cpu,
               raw / med, bio / med))
        result.append({'what': what, 'seconds': walls, 'cpu_per_gib': cpu,
                       'of_raw': raw / med, 'of_biopair': bio / med})
    print(json.dumps({'mib': MIB, 'rows': result}))


main()
