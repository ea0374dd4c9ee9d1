# SPDX-License-Identifier: MIT
"""An asyncio server of streams; SIGTERM closes it or kills, as asked."""
import asyncio
import signal
import sys


async def answer(reader, writer):
    try:
        request = await reader.readuntil(b"\r\n\r\n")
        while request:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello\n")
            await writer.drain()
            if b"Connection: close" in request:
                break
            request = await reader.readuntil(b"\r\n\r\n")
    except (OSError, asyncio.IncompleteReadError):
        pass
    finally:
        writer.close()


async def main():
    server = await asyncio.start_server(answer, "127.0.0.1", int(sys.argv[1]), backlog=128)
    if sys.argv[2] == "handler":
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, server.close)
    async with server:
        try:
            await server.serve_forever()
        except asyncio.CancelledError:
            print("closed")


asyncio.run(main())
