#!/usr/bin/env python3
"""capture.ports: a file for each link, with what goes over it both ways: the
frames of wire.pcapng, each on every link that it takes, decrypted by stock tshark."""
import os
import sys

import lib

OUT_OF_ORDER = ['-o', 'tcp.reassemble_out_of_order:TRUE']


def answers(path, *options):
    out = lib.tshark(path, *options, '-Y', 'http.response.code == 200', '-T', 'fields', '-e',
                     'http.content_length_header')
    return out.split()


def numbers(path, *options):
    """Of wire.pcapng, as the comments of a link's file name them."""
    out = lib.tshark(path, *options, '-T', 'fields', '-e', 'frame.comment')
    return [int(x.split()[1]) for x in out.splitlines()]


def files(d):
    return sorted(os.path.join(d, f) for f in os.listdir(d) if f.startswith('wire-'))


def run(c, sim, d, name, *options):
    out = os.path.join(d, name)
    r, _ = lib.run_out(sim, lib.scenario(name), out, *options)
    c.equal(r.returncode, 0, name + ': ' + r.stderr)
    return out


def main():
    c = lib.Checks()
    sim = sys.argv[1]
    with lib.tmpdir() as d:
        # Half of the packets each: together, and told that the order is not that of the
        # stream, they are the download. Each frame is on one of the two links.
        out = run(c, sim, d, 'roundrobin')
        wire = os.path.join(out, 'wire.pcapng')
        c.equal(answers(wire, *OUT_OF_ORDER), [str(8 << 20)], 'roundrobin, with the option')
        c.equal(answers(wire), [], 'roundrobin, without it')
        names = [os.path.basename(f) for f in files(out)]
        c.equal(names, ['wire-server-mce%d-client-em%d.pcapng' % (i, i) for i in (0, 1)], 'names')
        each = [numbers(f) for f in files(out)]
        frames = len(lib.tshark(wire, '-T', 'fields', '-e', 'frame.number').split())
        c.equal(sorted(each[0] + each[1]), list(range(1, frames + 1)), 'each frame once')
        for x in each:
            c.check(x == sorted(x) and len(x) > frames * 2 // 5, 'half of them: %d' % len(x))
        # Everything, on each cable.
        out = run(c, sim, d, 'broadcast')
        c.equal([answers(f) for f in files(out)], [[], [str(8 << 20)]],
                'broadcast: the cable that is cut, and the other one')
        # Switches pass frames on: on each link's file they are, with their number.
        out = run(c, sim, d, 'switch', '--set', 'capture.ports=true')
        each = {os.path.basename(f): set(numbers(f)) for f in files(out)}
        frames = len(lib.tshark(os.path.join(out, 'wire.pcapng'), '-T', 'fields', '-e',
                                'frame.number').split())
        c.equal(set().union(*each.values()), set(range(1, frames + 1)), 'all of wire.pcapng')
        twice = sum(len(x) for x in each.values())
        c.check(twice > frames * 3 // 2, 'frames go over several links: %d of %d' % (twice, frames))
        # None where it is not asked for.
        out = run(c, sim, d, 'quickstart')
        c.equal(files(out), [], 'not asked for')
    c.done()


main()
