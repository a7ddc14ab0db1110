"""Ask the kernel for the few frames that no everyday client sends.

Each subcommand opens an ordinary socket, sets one unusual option and leaves the
frames themselves to the kernel's stack:

    abort HOST PORT           start a download and reset the connection half-way
    no-checksum HOST          a DNS query in a UDP datagram with checksum 0 (IPv4 only)
    extension-headers HOST    DNS queries behind IPv6 extension headers

Exits 0 if the peer behaved as expected, otherwise with a traceback.
"""

import socket
import struct
import sys

SO_NO_CHECK = 11  # linux/asm-generic/socket.h; not exported by the socket module
TIMEOUT_SECONDS = 3

# A PadN option that fills an 8-byte extension header; the kernel writes the first
# byte (next header) itself. RFC 8200 sections 4.2, 4.3 and 4.6.
PADDED_HEADER = bytes([0, 0, 1, 4, 0, 0, 0, 0])

# web.tenant.internal, type A, class IN, recursion desired.
QUERY = (
    struct.pack(">6H", 0x5646, 0x0100, 1, 0, 0, 0)
    + b"\x03web\x06tenant\x08internal\x00"
    + struct.pack(">2H", 1, 1)
)


def abort(host: str, port: str) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as s:
        s.settimeout(TIMEOUT_SECONDS)
        # A small window keeps most of the response unsent when the reset arrives.
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
        s.connect((host, int(port)))
        s.sendall(b"GET /large.txt HTTP/1.1\r\nHost: web.tenant.internal\r\n\r\n")
        assert s.recv(4096), "the server closed before sending anything"
        # Lingering for zero seconds makes close() send RST instead of FIN.
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def no_checksum(host: str) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.setsockopt(socket.SOL_SOCKET, SO_NO_CHECK, 1)
        ask(s, host)


def extension_headers(host: str) -> None:
    for options in ([socket.IPV6_DSTOPTS], [socket.IPV6_HOPOPTS, socket.IPV6_DSTOPTS]):
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as s:
            for option in options:
                s.setsockopt(socket.IPPROTO_IPV6, option, PADDED_HEADER)
            ask(s, host)


def ask(s: socket.socket, host: str) -> None:
    s.settimeout(TIMEOUT_SECONDS)
    s.connect((host, 53))
    s.send(QUERY)
    answer = s.recv(4096)
    assert answer[:2] == QUERY[:2], "the answer belongs to another query"


COMMANDS = {"abort": abort, "no-checksum": no_checksum, "extension-headers": extension_headers}

if __name__ == "__main__":
    COMMANDS[sys.argv[1]](*sys.argv[2:])
