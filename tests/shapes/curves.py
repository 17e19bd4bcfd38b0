#!/usr/bin/env python3
"""What the cards cost, as curves: CSV files, and SVG drawn by gnuplot.

  curves.py ktls-sim DIR        (./dev curves [DIR])

dma-ratio.*    payload bytes over the bus, per byte sent for the first time,
               against loss: ConnectX-6 Dx, T6, with TSO bursts and without
throughput.*   goodput of four connections against loss on a 10 Gbit/s link,
               where the bus carries 12 Gbit/s, and with the default of 2 %
               resent, above which connections go back to software
cpu-memory.*   software TLS and cards: modelled CPU and memory passes per byte"""
import csv
import os
import subprocess
import sys

import cards
import lib

LOSS = (0, 0.05, 0.1, 0.2, 0.5, 1, 2, 3, 5)


def size_for(loss):
    """Bytes that meet enough losses and take no minute."""
    return int(min(max(250 * cards.MSS * 100 / max(loss, 0.1), 20e6), 300e6))


def table(path, head, rows):
    with open(path, 'w', newline='') as f:
        out = csv.writer(f)
        out.writerow(head)
        out.writerows(rows)
    print(path)


def plot(d, name, title, x, y, curves, more=''):
    """curves: column (from 2) and name."""
    script = """
set terminal svg size 860,520 dynamic font 'sans-serif,14' background '#ffffff'
set output '%(d)s/%(name)s.svg'
set datafile separator ','
set title '%(title)s' font ',17'
set xlabel '%(x)s'
set ylabel '%(y)s'
set grid lc rgb '#dddddd'
set border 3 lc rgb '#666666'
set tics nomirror
set key outside bottom horizontal
%(more)s
plot %(plots)s
""" % dict(d=d, name=name, title=title, x=x, y=y, more=more, plots=', '.join(
        "'%s/%s.csv' using 1:%d skip 1 with linespoints lw 2.5 pt 7 ps 0.6 title '%s'" %
        (d, name, col, what) for col, what in curves))
    subprocess.run(['gnuplot'], input=script, text=True, check=True)
    print('%s/%s.svg' % (d, name))


def dma_ratio(sim, d, tmp):
    rows = []
    for loss in LOSS:
        row = [loss]
        for nic in ('model: cx6dx', 'model: t6'):
            r = cards.run(sim, tmp, nic=nic, size=size_for(loss), loss=loss, delay='20us')
            row.append('%.4f' % cards.dma_ratio(r))
        row.append('%.4f' % (1 + 12 * loss / 100))
        rows.append(row)
    table(os.path.join(d, 'dma-ratio.csv'),
          ['loss_percent', 'cx6dx', 't6', 'cx6dx_rule_of_thumb'], rows)
    plot(d, 'dma-ratio', 'Payload over the bus per byte of the stream', 'loss, %', 'ratio',
         ((2, 'ConnectX-6 Dx'), (3, 'Chelsio T6'), (4, '1 + 12 p (fact sheet)')),
         'set yrange [0.9:2.2]')


def throughput(sim, d, tmp):
    rows = []
    kinds = (('model: cx6dx, pcie: 12Gbit/s', 1, 100), ('model: t6, pcie: 12Gbit/s', 1, 100),
             ('model: cx6dx, pcie: 12Gbit/s', 1, 2), ('model: basic', 0, 100))
    for loss in LOSS:
        row = [loss]
        for nic, permitted, pct in kinds:
            # Cut off at an instant: the last timeouts of short transfers
            # would be all that one sees.
            r = cards.run(sim, tmp, nic=nic, permitted=permitted, pct=pct, conns=16,
                          size=12 << 20, loss=loss, delay='10us', until='100ms')
            row.append('%.3f' % (cards.rate_until(r) / 1e9))
        rows.append(row)
    table(os.path.join(d, 'throughput.csv'),
          ['loss_percent', 'cx6dx_gbps', 't6_gbps', 'cx6dx_limit_2_gbps', 'software_gbps'],
          rows)
    plot(d, 'throughput', '16 connections, 10 Gbit/s link, bus of 12 Gbit/s', 'loss, %',
         'goodput, Gbit/s', ((2, 'ConnectX-6 Dx'), (3, 'Chelsio T6'),
                             (4, 'ConnectX-6 Dx, 2 % resent is the limit'),
                             (5, 'software TLS')), 'set yrange [0:10]')


def cpu_memory(sim, d, tmp):
    rows = []
    for what, keys in (('software', dict(permitted=0)), ('ConnectX-6 Dx', {}),
                       ('Chelsio T6', dict(nic='model: t6')),
                       ('ConnectX-6 Dx, 1 % loss', dict(loss=1)),
                       ('Chelsio T6, 1 % loss', dict(nic='model: t6', loss=1))):
        r = cards.run(sim, tmp, size=20 << 20, cached='false', **keys)
        work, other = cards.cpu_ns(r)
        rows.append([what, '%.3f' % work, '%.3f' % other, '%.3f' % cards.memory_passes(r)])
    table(os.path.join(d, 'cpu-memory.csv'),
          ['what', 'crypto_ns_per_byte', 'other_ns_per_byte_assumed', 'memory_passes'], rows)
    script = """
set terminal svg size 860,520 dynamic font 'sans-serif,14' background '#ffffff'
set output '%(d)s/cpu-memory.svg'
set datafile separator ','
set title 'Per payload byte, file from disk' font ',17'
set style data histogram
set style histogram cluster gap 1.4
set style fill solid 0.85 noborder
set boxwidth 0.9
set grid y lc rgb '#dddddd'
set border 3 lc rgb '#666666'
set tics nomirror
set xtics rotate by -18 scale 0
set key outside bottom horizontal
set yrange [0:*]
set y2range [0:*]
set y2tics
set ylabel 'memory passes'
set y2label 'CPU, ns'
plot '%(d)s/cpu-memory.csv' using 4:xtic(1) skip 1 title 'memory passes', \\
     '' using ($2+$3) skip 1 axes x1y2 title 'CPU: crypto (modelled) and the rest (assumed)'
""" % dict(d=d)
    subprocess.run(['gnuplot'], input=script, text=True, check=True)
    print('%s/cpu-memory.svg' % d)


def main():
    sim, d = sys.argv[1:]
    os.makedirs(d, exist_ok=True)
    with lib.tmpdir() as tmp:
        dma_ratio(sim, d, tmp)
        throughput(sim, d, tmp)
        cpu_memory(sim, d, tmp)


main()
