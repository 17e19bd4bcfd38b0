#!/usr/bin/env python3
"""Asks store.py one thing after the other, thinks for a while in between, and
says how long the answers took in virtual time.

    ask.py ROUNDS THINK_NS FILE SIZE"""
import sys

import lineapp

rounds, think = int(sys.argv[1]), int(sys.argv[2])
requests = [b'SET k%d v%d\n' % (i, i) for i in range(rounds)] + \
    [b'GET k%d\n' % i for i in range(rounds)] + \
    [b'GET nothing\n', b'FILE %s %s\n' % (sys.argv[3].encode(), sys.argv[4].encode()), b'QUIT\n']
wanted = [b'+OK'] * rounds + [b'$v%d' % i for i in range(rounds)] + [b'-ERR no such key or command']
rest, asked, right, times, body = b'', 0, 0, [], None


def ask(now):
    global asked, since
    since = now
    lineapp.write(requests[asked])
    asked += 1


def answered(line, now):
    """False: a body follows before the next request."""
    global right, body
    right += asked > len(wanted) or line == wanted[asked - 1]
    times.append(now - since)
    if line.startswith(b'*'):
        body = int(line[1:])
        return False
    return line != b'+BYE'


for event, now, words, data in lineapp.events():
    if event == 'connected' or event == 'timer':
        ask(now)
    rest += data
    while rest:
        if body:
            n = min(body, len(rest))
            body, rest = body - n, rest[n:]
            if body == 0:
                lineapp.say('log the file is here, %d us after its request' % ((now - since) // 1000))
                lineapp.say('timer %d' % think)
            continue
        line, end, left = rest.partition(b'\n')
        if not end:
            break
        rest = left
        if answered(line, now):
            lineapp.say('timer %d' % think)
    if event == 'closed':
        lineapp.say('report answers %d' % len(times))
        lineapp.say('report right %d' % right)
        lineapp.say('report slowest_ns %d' % max(times))
        lineapp.say('close')
