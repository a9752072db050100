"""The local server's gate: takes whole requests from many slow phones, and lets few at once inside.

One event loop reads; a request takes a thread only when it is complete, so that a phone on a bad
line costs memory for its bytes and nothing else. Everything is bounded: connections, their idle
time, the size of a head and of a body, the time a request takes to arrive, and the requests inside.
What is over a bound is told to come back (503), quickly and without a thread: nothing that was
turned away was stored, and nothing that was acknowledged is lost.
"""

from __future__ import annotations

import asyncio
import re
import socket
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import NamedTuple, Protocol

CONNECTIONS = 2000
INSIDE = 128
"""Requests waiting or under way at once: what a laptop answers in a fraction of a second."""
THREADS = 16
BACKLOG = 512
HEAD = 16 * 1024
IDLE_S = 20.0
ARRIVAL_S = 15.0
"""How long a body may take to arrive, and a reply to be taken."""
LARGE = 8
LARGE_S = 240.0
"""Bodies over ``largest`` at once, and how long one may wait for its turn and then take."""
DRAIN = 1 << 20
"""So much of a body that is too large is read away, so that the refusal is read before a reset."""

_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*([0-9]{1,15})[ \t]*(?=\r\n)", re.IGNORECASE)
_FRAMING = re.compile(rb"\r\n(?:content-length|transfer-encoding)[ \t]*:", re.IGNORECASE)


class Request(NamedTuple):
    head: bytes
    body: bytes
    address: str
    """The peer's."""


class Answered(Protocol):
    """What a handler is once it is made: the reply, and whether that was the last one."""

    close_connection: bool

    def reply(self) -> bytes: ...


Handler = Callable[[Request, tuple[str, int], "Gate"], Answered]


class Gate:
    """A server for ``chalice.local.LocalDevServer``, in place of a thread per connection.

    ``largest`` is the size of a body that is handed on, unless there is ``room`` for more; a larger
    one is handed on without.
    """

    largest = 64 * 1024

    def __init__(self, address: tuple[str, int], handler: Handler) -> None:
        self._handler = handler
        self._socket = socket.create_server(address, backlog=BACKLOG)
        self.server_address = self._socket.getsockname()[:2]
        self._pool = ThreadPoolExecutor(THREADS)
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._stopped = threading.Event()
        self._talks: set[asyncio.Task[None]] = set()
        self._inside = 0
        self._large = asyncio.Semaphore(LARGE)

    def room(self, head: bytes) -> int:
        """How large the body behind this head may be: ``largest``, but for what is expected."""
        return self.largest

    def turned_away(self, request: Request) -> bytes | None:
        """A reply to a request that is not let in; None lets it in."""
        return None

    def answered(self, request: Request, reply: bytes) -> None:
        """What a request that was let in got."""

    def full(self, request: Request | None) -> bytes:
        """The reply where there is no room: for a request, or for another connection."""
        return b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nRetry-After: 2\r\n\r\n"

    def serve_forever(self) -> None:
        try:
            self._loop.run_until_complete(self._serve())
        finally:
            self._stopped.set()

    def shutdown(self) -> None:
        """From another thread."""
        self._loop.call_soon_threadsafe(self._stop.set)
        self._stopped.wait()

    def server_close(self) -> None:
        self._socket.close()
        self._pool.shutdown()
        self._loop.close()

    async def _serve(self) -> None:
        server = await asyncio.start_server(
            self._connected, sock=self._socket, limit=HEAD, backlog=BACKLOG
        )
        try:
            await self._stop.wait()
        finally:
            server.close()
            for talk in self._talks:
                talk.cancel()
            await asyncio.gather(*self._talks, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talk = asyncio.current_task()
        assert talk is not None
        self._talks.add(talk)
        try:
            if len(self._talks) > CONNECTIONS:
                writer.write(self.full(None))
            else:
                while await self._exchanged(reader, writer):
                    pass
        except (OSError, EOFError, TimeoutError, asyncio.LimitOverrunError):
            pass  # the phone is gone, or not worth waiting for
        except asyncio.CancelledError:
            pass  # the server is going
        finally:
            self._talks.discard(talk)
            with suppress(OSError):
                writer.close()

    async def _exchanged(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Take one request and answer it; whether another may follow."""
        async with asyncio.timeout(IDLE_S):
            head = await reader.readuntil(b"\r\n\r\n")
        room = self.room(head)
        if room <= self.largest:
            return await self._answered(reader, writer, head, room, ARRIVAL_S)
        async with asyncio.timeout(LARGE_S), self._large:
            return await self._answered(reader, writer, head, room, LARGE_S)

    async def _answered(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        head: bytes,
        room: int,
        seconds: float,
    ) -> bool:
        async with asyncio.timeout(seconds):
            body, whole = await self._body(reader, head, room)
        request = Request(head, body, writer.get_extra_info("peername")[0])
        reply = self.turned_away(request)
        if reply is None and self._inside >= INSIDE:
            reply = self.full(request)
        if reply is None:
            self._inside += 1
            try:
                handled = await self._loop.run_in_executor(self._pool, self._handle, request)
            finally:
                self._inside -= 1
            reply, whole = handled.reply(), whole and not handled.close_connection
            self.answered(request, reply)
        writer.write(reply)
        async with asyncio.timeout(ARRIVAL_S):
            await writer.drain()
        return whole

    async def _body(
        self, reader: asyncio.StreamReader, head: bytes, room: int
    ) -> tuple[bytes, bool]:
        """The body, and whether it is certain where it ended."""
        lengths = _LENGTH.findall(head)
        if len(lengths) != len(_FRAMING.findall(head)) or len(lengths) > 1:
            return b"", False
        length = int(lengths[0]) if lengths else 0
        if length <= room:
            return await reader.readexactly(length), True
        left = min(length, DRAIN)
        while left > 0 and (some := await reader.read(min(left, HEAD))):
            left -= len(some)
        return b"", False

    def _handle(self, request: Request) -> Answered:
        return self._handler(request, (request.address, 0), self)
