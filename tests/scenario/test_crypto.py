#!/usr/bin/env python3
"""Who encrypts and in which order, in whole runs: forced completion orders,
the accelerator, and an operation of it that fails."""
import json
import os
import sys

import lib


def run(c, sim, d, name, *sets, code=0):
    out = os.path.join(d, name)
    options = [x for s in sets for x in ('--set', s)]
    r, report = lib.run_out(sim, lib.scenario('quickstart'), out,
                            '--trace=tls_encrypted', *options)
    c.equal(r.returncode, code, name + ': ' + r.stderr)
    with open(os.path.join(out, 'trace.ndjson')) as f:
        order = [json.loads(x)['seqno'] for x in f if 'tls_encrypted' in x]
    return report, order


def main():
    sim = sys.argv[1]
    c = lib.Checks()
    host = 'hosts.server.'
    with lib.tmpdir() as d:
        _, order = run(c, sim, d, 'plain')
        c.equal(order, sorted(order), 'a library completes batches in order')
        c.check(len(order) > 500, '%d records' % len(order))
        _, back = run(c, sim, d, 'reverse', host + 'completion=reverse',
                      host + 'completion_window=8')
        c.check(back != sorted(back), 'reverse')
        c.equal(sorted(back), list(range(len(back))), 'each once, reverse')
        _, mixed = run(c, sim, d, 'shuffle', host + 'completion=shuffle')
        _, again = run(c, sim, d, 'shuffle2', host + 'completion=shuffle')
        c.check(mixed != sorted(mixed) and mixed != back, 'shuffle')
        c.equal(mixed, again, 'the same shuffle')
        _, other = run(c, sim, d, 'seed', host + 'completion=shuffle', 'seed=2')
        c.check(other != mixed, 'another seed, another shuffle')
        _, accel = run(c, sim, d, 'accel', host + 'crypto=accel',
                       host + 'accel.depth=2')
        c.check(accel != sorted(accel), 'refused operations come later')
        c.equal(sorted(accel), list(range(len(accel))), 'each once, accel')
        # The connection that an operation failed for is dropped.
        report, _ = run(c, sim, d, 'fail', host + 'crypto=accel',
                        host + 'accel.fail_op=20', code=1)
        drops = [(x['at'], x['texts'], x['error']) for x in report['facts']
                 if x['point'] == 'tcp_drop']
        c.check(('server', ['encryption failed'], 'EIO') in drops, str(drops))
        c.equal(report['connections'][0]['done'], False, 'it is not done')
    c.done()


main()
