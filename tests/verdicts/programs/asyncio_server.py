# Echoes one line per connection, after "wait SECONDS" if the line says so, and reads to the EOF.
import asyncio


async def serve(reader, writer):
    line = await reader.readline()
    if line.startswith(b"wait"):
        await asyncio.sleep(float(line.split()[1]))
    writer.write(b"k")
    await reader.read()
    writer.close()


async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    print("listening on %d," % server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


asyncio.run(main())
