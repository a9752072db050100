"""What can happen between an app and S3: a small HTTP proxy that loses, tears, delays and refuses.

``python -m tests.faults.weather PORT UPSTREAM SEED RATE JOURNAL``. Each request meets one of
``WEATHER`` at that rate, drawn from the seed; the others pass.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from random import Random

from .history import Journal

WEATHER = {
    "lost": 3,  # the connection ends before anything was forwarded
    "unanswered": 4,  # it was done, and the connection ends without an answer
    "torn": 2,  # it was done, and half of the answer comes
    "500": 2,  # not done
    "503": 3,  # not done, as when S3 asks to slow down
    "500 after": 2,  # done all the same
    "slow": 4,
    "timeout": 1,  # it was done, nothing comes for a long time, then the connection ends
}
SLOW_S = (0.05, 0.5)
TIMEOUT_S = 5.0


class Proxy:
    def __init__(self, port: int, seed: int, rate: float, journal: Journal) -> None:
        self._upstream = port
        self._random = Random(seed)
        self._rate = rate
        self._journal = journal

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, and one to the server behind for as long."""
        try:
            below = await asyncio.open_connection("127.0.0.1", self._upstream)
        except OSError:
            writer.close()
            return
        try:
            while await self._exchange(reader, writer, *below):
                pass
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass
        finally:
            writer.close()
            below[1].close()

    async def _exchange(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        answers: asyncio.StreamReader,
        below: asyncio.StreamWriter,
    ) -> bool:
        """One request and its answer; whether the connection goes on."""
        head = await reader.readuntil(b"\r\n\r\n")
        body = await _body(reader, head)
        what = "fair"
        if self._random.random() < self._rate:
            what = self._random.choices([*WEATHER], [*WEATHER.values()])[0]
            self._journal.note("fault", what=what, on=head.split(b"\r\n", 1)[0].decode()[:120])
        if what == "lost":
            return False
        if what in ("500", "503"):
            writer.write(_refusal(what))
            await writer.drain()
            return True
        below.write(head + body)
        await below.drain()
        method = head.split(b" ", 1)[0]
        answer = await answers.readuntil(b"\r\n\r\n")
        empty = method == b"HEAD" or answer.split(b" ", 2)[1] in (b"204", b"304")
        answer += b"" if empty else await _body(answers, answer)
        if what == "slow":
            await asyncio.sleep(self._random.uniform(*SLOW_S))
        elif what == "timeout":
            await asyncio.sleep(TIMEOUT_S)
        if what in ("unanswered", "timeout"):
            return False
        if what == "torn":
            writer.write(answer[: len(answer) // 2])
            await writer.drain()
            return False
        writer.write(_refusal("500") if what == "500 after" else answer)
        await writer.drain()
        return True


async def _body(reader: asyncio.StreamReader, head: bytes) -> bytes:
    """The body that this head announces, as it came."""
    fields = dict(line.lower().split(b":", 1) for line in head.split(b"\r\n")[1:] if b":" in line)
    if b"chunked" in fields.get(b"transfer-encoding", b""):
        chunks = b""
        while True:
            size = await reader.readuntil(b"\r\n")
            chunk = await reader.readexactly(int(size.split(b";")[0], 16) + 2)
            chunks += size + chunk
            if chunk == b"\r\n":
                return chunks
    return await reader.readexactly(int(fields.get(b"content-length", b"0")))


def _refusal(status: str) -> bytes:
    return f"HTTP/1.1 {status} Injected\r\nContent-Length: 0\r\n\r\n".encode()


async def main(port: int, upstream: int, seed: int, rate: float, journal: str) -> None:
    proxy = Proxy(upstream, seed, rate, Journal(Path(journal)))
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", port, limit=1 << 20)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    arguments = sys.argv[1:]
    asyncio.run(
        main(
            int(arguments[0]),
            int(arguments[1]),
            int(arguments[2]),
            float(arguments[3]),
            arguments[4],
        )
    )
