"""Small suites, for the tests of `ktls-sim test` and `merge`."""
import json
import os
import subprocess
import time

import lib

SMALL = '''ktls_sim: 1
name: NAME
description: a small download
hosts:
  server:
    sysctl: {kern.ipc.tls.enable: 1, kern.ipc.mb_use_ext_pgs: 1}
    nics: {mce0: {model: basic}}
    addresses: {mce0: 10.0.0.1/24}
    files: {/data.bin: {size: 64KiB, cached: true}}
  client:
    nics: {em0: {model: basic}}
    addresses: {em0: 10.0.0.2/24}
links:
  - {ends: [server.mce0, client.em0], rate: 10Gbit/s, delay: 20us}
apps:
  web:
    {type: https-server, host: server, port: 443,
     tls: {version: "1.3", suite: aes128-gcm, tx: kernel, rx: openssl}}
  get:
    {type: https-client, host: client, server: web, path: /data.bin,
     tls: {version: "1.3", suite: aes128-gcm, tx: openssl, rx: openssl}}
expect:
  - delivered: {app: get, bytes: 64KiB}
until: 10s
'''
# --set: minutes, by the wall clock.
LONG = ['--set', 'apps.get.connections=2000',
        '--set', 'hosts.server.files./data.bin.size=512MiB']


def put(folder, name, text=SMALL):
    path = os.path.join(folder, name + '.ktls.yaml')
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, 'w') as f:
        f.write(text.replace('NAME', os.path.basename(name)))
    return path


def suite(sim, d, *args, out='out', **kw):
    """`ktls-sim test` in folder d; the process and results.json or None."""
    r = lib.run(sim, ['test', '--out', out, *args], cwd=d, **kw)
    return r, results(d, out)


def results(d, out='out'):
    path = os.path.join(d, out, 'results.json')
    if not os.path.exists(path):
        return None
    with open(path) as f:
        return json.load(f)


def verdicts(res):
    return {c['name']: c['verdict'] for c in res['cases']}


def timeless(res):
    """Without what the wall clock says."""
    for c in res['cases']:
        c['wall_ms'] = 0
    return res


def start(sim, d, *args):
    """A suite that goes on while the test does something to it."""
    return subprocess.Popen([os.path.abspath(sim), 'test', *args], cwd=d,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            text=True)


def child_of(pid, but=0):
    """Its child, once it is a run; another one than `but`."""
    for _ in range(500):
        try:
            with open('/proc/%d/task/%d/children' % (pid, pid)) as f:
                kids = f.read().split()
            for k in kids:
                with open('/proc/%s/cmdline' % k) as f:
                    if int(k) != but and f.read().split('\0')[1:2] == ['run']:
                        return int(k)
        except OSError:
            pass
        time.sleep(0.02)
    raise SystemExit('no child of %d' % pid)
