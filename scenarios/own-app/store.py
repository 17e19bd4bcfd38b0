#!/usr/bin/env python3
"""A store that speaks lines, as Redis does in short: SET KEY VALUE, GET KEY,
FILE PATH (a file of the simulated host, by sendfile), QUIT. Each connection is a
process, so each has a store of its own."""
import lineapp

store, rest, requests = {}, b'', 0


def answer(line):
    verb, _, args = line.partition(' ')
    if verb == 'SET':
        key, _, store[key] = args.partition(' ')
        lineapp.write(b'+OK\n')
    elif verb == 'GET' and args in store:
        lineapp.write(b'$%s\n' % store[args].encode())
    elif verb == 'FILE':
        path, size = args.split()
        lineapp.write(b'*%s\n' % size.encode())
        lineapp.say('sendfile %s 0 %s' % (path, size))
    elif verb == 'QUIT':
        lineapp.write(b'+BYE\n')
        lineapp.say('close')
    else:
        lineapp.write(b'-ERR no such key or command\n')


for event, now, words, data in lineapp.events():
    *lines, rest = (rest + data).split(b'\n')
    for line in lines:
        answer(line.decode())
    requests += len(lines)
    lineapp.say('report requests %d' % requests)
