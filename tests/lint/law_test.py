#!/usr/bin/env python3
"""The include law must bite: plant a forbidden include of each sort."""
import os
import subprocess
import sys
import tempfile

LAYERS = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'layers.py')

CASES = [                       # file, line, may it?
    ('src/kern/a.c', '#include <ktsim/sim/engine.h>', False),
    ('src/kern/a.c', '#include <openssl/evp.h>', False),
    ('src/kern/a.c', '#include <pthread.h>', False),
    ('src/kern/a.c', '#include <time.h>', True),
    ('src/kern/a.c', '#include <ktsim/netinet/in_pcb.h>', False),
    ('src/kern/ktls_tag.c', '#include <ktsim/netinet/in_pcb.h>', True),
    ('src/net/a.c', '#include <ktsim/kern/socketvar.h>', False),
    ('src/net/a.c', '#include <ktsim/netinet/tcp.h>', True),
    ('src/netinet/a.c', '#include <ktsim/nic/nic.h>', False),
    ('src/netinet/a.c', '#include <netinet/in.h>', False),
    ('nicmodel/a.c', '#include <ktsim/kern/socketvar.h>', False),
    ('nicmodel/a.c', '#include <ktsim/netinet/tcp_var.h>', False),
    ('sim/check/a.c', '#include <ktsim/opencrypto/tls_crypt.h>', False),
    ('sim/userland/a.c', '#include <ktsim/netinet/tcp_var.h>', False),
    ('sim/world/a.c', '#include "../../src/kern/ktls_priv.h"', False),
]


def main():
    bad = 0
    for path, line, ok in CASES:
        with tempfile.TemporaryDirectory() as d:
            os.makedirs(os.path.join(d, os.path.dirname(path)))
            with open(os.path.join(d, path), 'w') as f:
                f.write('\n' + line + '\n')
            r = subprocess.run([sys.executable, LAYERS, d],
                               capture_output=True, text=True)
            told = '%s:2: ' % path in r.stdout
            if (r.returncode == 0) != ok or told == ok:
                print('%s: %s: wanted %s, got: %s' %
                      (path, line, 'pass' if ok else 'refusal', r.stdout))
                bad = 1
    if not bad:
        print('law test: %d cases ok' % len(CASES))
    return bad


if __name__ == '__main__':
    sys.exit(main())
