"""A small load generator, used where wrk is not installed: `client.py URL COOKIE SECONDS CONNECTIONS` prints requests per second."""

import multiprocessing
import socket
import sys
import time
from urllib.parse import urlsplit


def ask(url, cookie, seconds, answers):
    host, port = urlsplit(url).hostname, urlsplit(url).port
    path = url.split(str(port), 1)[1]
    head = f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nAccept-Encoding: gzip\r\nCookie: {cookie}\r\n\r\n".encode()
    connection, count, end = socket.create_connection((host, port)), 0, time.monotonic() + seconds
    stream = connection.makefile("rb")
    while time.monotonic() < end:
        connection.sendall(head)
        status, length = stream.readline(), 0
        assert b" 200 " in status, status
        while (line := stream.readline()) not in (b"\r\n", b""):
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        stream.read(length)
        count += 1
    answers.put(count)


if __name__ == "__main__":
    url, cookie, seconds, connections = sys.argv[1], sys.argv[2], float(sys.argv[3]), int(sys.argv[4])
    answers = multiprocessing.Queue()
    workers = [multiprocessing.Process(target=ask, args=(url, cookie, seconds, answers)) for _ in range(connections)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    print(sum(answers.get() for _ in workers) / seconds)
