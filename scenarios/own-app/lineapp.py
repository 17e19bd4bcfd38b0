"""The line protocol of `own-server` and `own-client` (docs/apps.md), for
programs in Python: standard library only.

    for event, now, words, data in lineapp.events():
        if event == 'data':
            lineapp.write(data.upper())
"""
import sys

IN, OUT = sys.stdin.buffer, sys.stdout.buffer


def say(text, data=b''):
    OUT.write(text.encode('ascii') + b'\n' + data)


def write(data):
    """Up to 1 MiB at a time."""
    say('write %d' % len(data), data)


def events():
    """(event, time in ns, further words, bytes): what is said before the next one
    is the answer."""
    for line in IN:
        event, now, *words = line.decode('ascii').split()
        yield event, int(now), words, IN.read(int(words[0])) if event == 'data' else b''
        say('wait')
        OUT.flush()
