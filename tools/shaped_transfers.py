"""Hold the formula of transfers against real ones: TCP and TLS 1.3 between two network namespaces.

    python -m tools.shaped_transfers          (root, Linux, iproute2 and openssl; `make test-netem`)

Two TUN devices are joined by a relay that delays each packet by half a round trip and lets only so many
bytes a second through, as `tc netem delay ... rate ...` does where the kernel has it. The kernel's own TCP
(Reno, initial window of ten segments) opens a connection, negotiates TLS and fetches files; the seconds
from connect to the last byte stand beside those of feasibility/timing/network.py. The server sends no session
tickets unless --tickets 2 asks for OpenSSL's: they take two of the first ten segments, which costs a round
trip where a file just fits the flights.
"""

from __future__ import annotations

import argparse
import fcntl
import heapq
import os
import select
import shutil
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import feasibility as fe
from feasibility.timing.network import download

TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000  # linux/if_tun.h
NAMES = ("fe-near", "fe-far")
ADDRESSES = ("10.211.7.1", "10.211.7.2")
PORT = 7443
MTU = 1500
REPEATS = 3
SIZES = (10_000, 100_000, 1_000_000, 4_000_000)
TOLERANCE = 0.10

SERVER = """
import socket, ssl, sys
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.minimum_version = ssl.TLSVersion.TLSv1_3
context.load_cert_chain(sys.argv[1])
context.num_tickets = int(sys.argv[4])
listener = socket.create_server((sys.argv[2], int(sys.argv[3])))
print("ready", flush=True)
while True:
    plain, _ = listener.accept()
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # as HTTP servers do
    with context.wrap_socket(plain, server_side=True) as link:
        size = int(link.recv(100))
        plain_end = socket.socket(fileno=link.fileno())
        plain_end.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)  # whole segments, as for static files
        link.sendall(bytes(size))
        plain_end.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 0)
        plain_end.detach()
"""
CLIENT = """
import socket, ssl, sys, time
context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
begin, left = time.perf_counter(), int(sys.argv[3])
plain = socket.create_connection((sys.argv[1], int(sys.argv[2])))
plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # as browsers do
with context.wrap_socket(plain) as link:
    link.sendall(sys.argv[3].encode())
    while left:
        left -= len(link.recv(min(left, 65536)))
    print(time.perf_counter() - begin)
"""


class Link(NamedTuple):
    """A link to imitate: round trip, downlink and uplink."""

    rtt: str
    down: str
    up: str


LINKS = (
    Link("20ms", "20Mbit/s", "10Mbit/s"),
    Link("60ms", "20Mbit/s", "5Mbit/s"),
    Link("150ms", "10Mbit/s", "5Mbit/s"),
)


def _found(program: str) -> str:
    """Return where a program is; say what to install where it is not."""
    path = shutil.which(program)
    if path is None:
        sys.exit(f"{program} is not installed")
    return path


def ip(*words: str) -> None:
    """Run `ip`."""
    subprocess.run([_found("ip"), *words], check=True, capture_output=True)


def tun(name: str) -> int:
    """Open a TUN device and return its file descriptor."""
    found = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(found, TUNSETIFF, struct.pack("16sH", name.encode(), IFF_TUN | IFF_NO_PI))
    return found


@contextmanager
def namespaces() -> Iterator[list[int]]:
    """Make two namespaces, each with one end of the link, and remove them afterwards."""
    for name in NAMES:
        with suppress(subprocess.CalledProcessError):
            ip("netns", "del", name)
    ends = [tun(name) for name in NAMES]
    try:
        for name, own, other in zip(NAMES, ADDRESSES, ADDRESSES[::-1], strict=True):
            ip("netns", "add", name)
            ip("link", "set", name, "netns", name)
            ip("-n", name, "addr", "add", own, "peer", other, "dev", name)
            ip("-n", name, "link", "set", name, "mtu", str(MTU), "up")
            setting = [
                "sysctl",
                "-qw",
                "net.ipv4.tcp_congestion_control=reno",
                "net.ipv4.tcp_no_metrics_save=1",
            ]
            subprocess.run([_found("ip"), "netns", "exec", name, *setting], check=True, capture_output=True)
        yield ends
    finally:
        for end in ends:
            os.close(end)
        for name in NAMES:
            with suppress(subprocess.CalledProcessError):
                ip("netns", "del", name)


class Relay(threading.Thread):
    """Carry packets between the two ends, late and no faster than the link."""

    def __init__(self, ends: list[int], rates: tuple[float, float], delay_s: float) -> None:
        """Take the ends (near, far), the bytes a second that leave each, and half a round trip."""
        super().__init__(daemon=True)
        self._ends, self._rates, self._delay_s = ends, rates, delay_s
        self._free = [0.0, 0.0]
        self._late: list[tuple[float, int, int, bytes]] = []
        self._count = 0
        self.over = False

    def run(self) -> None:
        """Carry packets until told that it is over."""
        while not self.over:
            left_s = self._late[0][0] - time.monotonic() if self._late else 0.05
            ready, _, _ = select.select(self._ends, [], [], max(0.0, min(left_s, 0.05)))
            for end in ready:
                self._take(self._ends.index(end))
            while self._late and self._late[0][0] <= time.monotonic():
                _, _, to, packet = heapq.heappop(self._late)
                os.write(self._ends[to], packet)

    def _take(self, side: int) -> None:
        with suppress(BlockingIOError):
            while True:
                packet = os.read(self._ends[side], MTU + 100)
                leaves = max(time.monotonic(), self._free[side]) + len(packet) / self._rates[side]
                self._free[side], self._count = leaves, self._count + 1
                heapq.heappush(self._late, (leaves + self._delay_s, self._count, 1 - side, packet))


def certificate(folder: str) -> str:
    """Make a key and a certificate that nobody trusts."""
    file = str(Path(folder) / "pair.pem")
    made = [
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-subj",
        "/CN=link",
        "-keyout",
        file,
        "-out",
        file + "c",
    ]
    subprocess.run([_found("openssl"), *made], check=True, capture_output=True)
    Path(file).write_text(Path(file).read_text() + Path(file + "c").read_text())
    return file


def fetched_s(size: int) -> float:
    """Fetch a file over a new connection and return the seconds it took."""
    words = [
        "ip",
        "netns",
        "exec",
        NAMES[0],
        sys.executable,
        "-c",
        CLIENT,
        ADDRESSES[1],
        str(PORT),
        str(size),
    ]
    return float(subprocess.run(words, check=True, capture_output=True, text=True).stdout)


def measured(link: Link, ends: list[int]) -> Iterator[tuple[int, float, float]]:
    """Yield the size, the seconds of the formula and those measured (the middle of three)."""
    profile = fe.network("essay", rtt=link.rtt, down=link.down, up=link.up)
    rates = (profile.uplink.value.to_bytes().value, profile.downlink.value.to_bytes().value)
    relay = Relay(ends, rates, profile.rtt.value.value / 2)
    relay.start()
    for size in SIZES:
        times = sorted(fetched_s(size) for _ in range(REPEATS))
        yield size, download(profile, size).typical.value, times[REPEATS // 2]
    relay.over = True
    relay.join()


def main() -> None:
    """Print a line per transfer; exit with 1 where the formula is off by more than a tenth."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tickets", type=int, default=0, help="session tickets that the server sends")
    tickets = str(parser.parse_args().tickets)
    worst = 0.0
    with tempfile.TemporaryDirectory() as folder, namespaces() as ends:
        words = ["ip", "netns", "exec", NAMES[1], sys.executable, "-c", SERVER, certificate(folder)]
        with subprocess.Popen([*words, ADDRESSES[1], str(PORT), tickets], stdout=subprocess.PIPE) as server:
            if server.stdout:
                server.stdout.readline()
            for link in LINKS:
                for size, formula_s, took_s in measured(link, ends):
                    off = formula_s / took_s - 1
                    worst = max(worst, abs(off))
                    where = f"{link.rtt:>6} {link.down:>10} {size:>10,} bytes"
                    print(
                        f"{where}: formula {formula_s:6.3f} s, measured {took_s:6.3f} s, {100 * off:+.1f} %"
                    )
            server.kill()
    print(f"at most {100 * worst:.1f} % off")
    raise SystemExit(worst > TOLERANCE)


if __name__ == "__main__":
    main()
