# An event loop. The writers of some connections are kept, and not closed: for "/leak".
import asyncio

kept = []


async def serve(reader, writer):
    request = await reader.readline()
    writer.write(b"HTTP/1.0 200 OK\r\n\r\nhello\n")
    await reader.read()
    if b"/leak" in request:
        kept.append(writer)
    else:
        writer.close()


async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    print("listening on port", server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


asyncio.run(main())
