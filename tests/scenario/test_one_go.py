#!/usr/bin/env python3
"""`check` finds every problem in one go: of mistakes of all kinds (keys, values,
names, rules, what kernels and libpcap say) any two in one file are both told, and
nothing is told that is not told of one of them alone."""
import itertools
import os
import random
import re
import sys
import tempfile

import lib

BASE = '''ktls_sim: 1
name: one-go
until: 1s
hosts:
  server:
    cpus: 4
    nics: {mce0: {model: cx6dx}, mce1: {model: cx6dx}}
    laggs: {lagg0: {proto: loadbalance, ports: [mce0, mce1]}}
    addresses: {lagg0: 10.0.0.1/24}
    files: {/f: {size: 1MB}}
    sysctl: {kern.ipc.tls.enable: 1}
  client:
    nics: {ix0: {model: basic}}
    addresses: {ix0: 10.0.0.2/24}
    sysctl: {kern.ipc.tls.enable: 1}
switches:
  tor: {ports: 3, laggs: {lag: {ports: ["1", "2"], proto: static}}}
links:
  - {ends: [server.mce0, tor.1], delay: 5us}
  - {ends: [server.mce1, tor.2]}
  - {ends: [client.ix0, tor.3]}
apps:
  httpd: {type: https-server, host: server, tls: {version: "1.2", tx: kernel}}
  get: {type: https-client, host: client, server: httpd, path: /f, connections: 2, tls: {version: "1.2"}}
timeline:
  - {at: 1ms, do: sysctl, on: client, name: kern.ipc.tls.enable, value: 1}
  - {at: 2ms, do: link_down, on: server.mce0}
  - {when: "delivered(get) > 1000B", do: ifconfig, on: server.mce0, args: "down"}
expect:
  - delivered: {app: get, bytes: 1MB}
  - frames: {filter: "tcp port 443", min: 1}
  - counter: {host: client, name: kern.ipc.tls.enable, min: 1}
  - event: {name: app_read, host: client, min: 1}
'''

# What is written, what instead, and a word of what is told.
MISTAKES = [
    ('cpus: 4', 'cpuss: 4', 'did you mean `cpus`'),
    ('until: 1s', 'until: 1', 'is not a time'),
    ('size: 1MB', 'size: 1', 'is not a size'),
    ('delay: 5us', 'delay: 5000s', 'out of bounds'),
    ('mce1: {model: cx6dx}', 'mce1: {model: cx6dxx}', 'no card model'),
    ('ports: [mce0, mce1]', 'ports: [mce0, mce7]', 'is not a card of host'),
    ('server:\n    cpus: 4', 'server:\n    cpus: 4\n    crypto: opnssl', 'is none of'),
    ('addresses: {ix0: 10.0.0.2/24}', 'addresses: {ix0: 10.0.0.2}', 'not an address'),
    ('addresses: {lagg0: 10.0.0.1/24}', 'addresses: {lag0: 10.0.0.1/24}', 'has no interface'),
    ('    sysctl: {kern.ipc.tls.enable: 1}\n  client', '    sysctl: {kern.ipc.tls.enabel: 1}\n  client',
     'no sysctl `kern.ipc.tls.enabel`'),
    ('    sysctl: {kern.ipc.tls.enable: 1}\nswitches', '    sysctl: {kern.ipc.tls.stats.bad: 1}\nswitches',
     'no sysctl `kern.ipc.tls.stats.bad`'),
    ('[client.ix0, tor.3]', '[client.ix0, tor.9]', 'has no port'),
    ('type: https-client', 'type: https-clent', 'is none of'),
    ('host: server, tls', 'hst: server, tls', 'did you mean `host`'),
    ('connections: 2', 'connections: 2, connections: 3', 'given twice'),
    ('path: /f', 'path: /g', 'has no file'),
    ('server: httpd', 'server: htpd', 'is not a server application'),
    ('version: "1.2", tx: kernel', 'version: "1.4", tx: kernel', 'none of `1.0`'),
    ('version: "1.2"}}\ntimeline', 'version: "1.3"}}\ntimeline', 'differ in TLS'),
    ('tx: kernel', 'tx: kernal', 'is none of'),
    ('type: https-client, host: client', 'type: https-client, host: clint', 'no host `clint`'),
    ('name: kern.ipc.tls.enable, value: 1', 'name: kern.ipc.tls.foo, value: 1', '`kern.ipc.tls.foo`'),
    ('at: 2ms', 'at: 2s', 'this never happens'),
    ('do: link_down', 'do: link_dwn', 'is none of'),
    ('do: link_down, on: server.mce0', 'do: link_down, on: server.mce5', 'has no card'),
    ('delivered(get) > 1000B', 'delivered(get) >> 1000B', 'is no condition'),
    ('args: "down"', 'args: "dwn"', 'ifconfig'),
    ('delivered: {app: get,', 'delivered: {app: gett,', 'no application `gett`'),
    ('tcp port 443', 'tcp prot 443', 'no filter of libpcap'),
    ('counter: {host: client, name: kern.ipc.tls.enable, min: 1}',
     'counter: {host: client, name: kern.ipc.bar, min: 1}', 'kern.ipc.bar'),
    ('name: kern.ipc.tls.enable, min: 1', 'name: kern.ipc.tls.enable, mn: 1', 'did you mean `min`'),
    ('name: kern.ipc.tls.enable, min: 1', 'name: kern.ipc.tls.enable, min: 3, max: 1', 'exchange'),
    ('name: app_read, host: client', 'name: app_raed, host: client', 'trace point'),
]

# What a wrong value hides nobody can know: the second shows without the first.
HIDES = [
    ('hst: server, tls', 'path: /g'),     # of which host?
    ('do: link_dwn', 'do: link_down, on: server.mce5'), # on what?
    ('until: 1', 'at: 2s'),               # never, if the run ends before
    ('server: htpd', 'path: /g'),         # whose files?
    ('server: htpd', 'version: "1.3"}}\ntimeline'),
    ('version: "1.4", tx: kernel', 'version: "1.3"}}\ntimeline'),
]


def problems(text):
    return set(re.findall(r'^[^:\n]+:(\d+:\d+: error: .*)$', text, re.M))


def check(sim, folder, text):
    file = os.path.join(folder, 'one-go.ktls.yaml')
    with open(file, 'w') as f:
        f.write(text)
    return lib.run(sim, ['check', 'one-go.ktls.yaml'], cwd=folder)


def without_columns(found):
    """A longer word in front moves what follows on the line."""
    return {re.sub(r'^(\d+):\d+', r'\1', p) for p in found}


def put_in(some):
    """The file with these mistakes; None: they do not go together, or one moves the
    lines of another."""
    text = BASE
    for i in some:
        old, new = MISTAKES[i][:2]
        if text.count(old) != 1 or old.count('\n') != new.count('\n'):
            return None
        text = text.replace(old, new)
    return text


def main():
    # The loader meets these under sanitizers in test_broken and libFuzzer.
    sim, bad, told, rnd = lib.optimised(sys.argv[1]), 0, 0, random.Random(8)
    with tempfile.TemporaryDirectory() as folder:
        r = check(sim, folder, BASE)
        assert r.returncode == 0, r.stdout + r.stderr
        alone = []
        for old, new, word in MISTAKES:
            assert BASE.count(old) == 1, old
            r = check(sim, folder, BASE.replace(old, new))
            found = problems(r.stdout + r.stderr)
            assert r.returncode == 2 and any(word in p for p in found), (new, word, found)
            alone.append(found)
        chosen = list(itertools.combinations(range(len(MISTAKES)), 2))
        chosen += [rnd.sample(range(len(MISTAKES)), 6) for _ in range(150)]
        for some in chosen:
            text = put_in(some)
            if text is None:
                continue
            r = check(sim, folder, text)
            found = without_columns(problems(r.stdout + r.stderr))
            each = without_columns(set().union(*(alone[i] for i in some)))
            hidden = {y for x, y in HIDES for i in some if MISTAKES[i][1] == x}
            missed = [MISTAKES[i][1] for i in some if MISTAKES[i][1] not in hidden and
                      not any(MISTAKES[i][2] in p for p in found)]
            told += 1
            if missed or found - each:
                bad += 1
                print('FAIL: %s: not told: %s; told besides: %s' % (
                    [MISTAKES[i][1] for i in some], missed, sorted(found - each)))
    print('%d files ok, %d failed' % (told - bad, bad))
    return 1 if bad else 0


sys.exit(main())
