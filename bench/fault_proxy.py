"""A small asyncio proxy before a server, in a thread: it passes, refuses, hangs, answers 429, or doctors bulk requests, as it is told."""

from __future__ import annotations

import asyncio
import contextlib
import threading

from fault_bulk import Bulk

TOO_MANY = b"HTTP/1.1 429 Too Many Requests\r\nContent-Type: application/json\r\nX-Elastic-Product: Elasticsearch\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"


class Proxy:
    """``mode`` may be changed at any time; connections that are open when it changes are cut."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._mode, self._tasks = "pass", set[asyncio.Task[None]]()
        self._loop = asyncio.new_event_loop()
        ready = threading.Event()
        self.bulk = Bulk()
        self.port = 0
        threading.Thread(target=self._run, args=(ready,), daemon=True).start()
        ready.wait(10)

    def _run(self, ready: threading.Event) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", 0, limit=2**26))
        self.port = server.sockets[0].getsockname()[1]
        ready.set()
        self._loop.run_forever()

    def set(self, mode: str) -> None:
        def change() -> None:
            self._mode = mode
            for task in self._tasks:
                task.cancel()

        self._loop.call_soon_threadsafe(change)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await {"pass": self._pass, "refuse": self._refuse, "hang": self._hang, "429": self._too_many, "partial": self._doctor, "mapping": self._doctor}[self._mode](reader, writer)
        except (asyncio.CancelledError, OSError):
            pass
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(*self._target)
        try:
            await asyncio.gather(_pump(reader, far_writer), _pump(far_reader, writer))
        finally:
            far_writer.close()

    async def _doctor(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far = await asyncio.open_connection(*self._target, limit=2**26)
        try:
            await self.bulk.serve(self._mode, reader, writer, far)
        finally:
            far[1].close()

    async def _refuse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.abort()

    async def _hang(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(65536):
            pass
        await asyncio.sleep(3600)

    async def _too_many(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(reader.read(65536), 2)
        writer.write(TOO_MANY)
        await writer.drain()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while content := await reader.read(65536):
        writer.write(content)
        await writer.drain()
    if writer.can_write_eof():
        writer.write_eof()
