"""AsyncSSH's client with one thing forwarded. Arguments: the server's port, what, and whence and where to. Says "ready"."""
import asyncio
import sys

import asyncssh

PORT, WHAT, *PLACE = sys.argv[1:]
LOGIN = dict(username="user", password="password", known_hosts=None, config=None)


async def main():
    async with asyncssh.connect("127.0.0.1", int(PORT), **LOGIN) as connection:
        if WHAT == "local":
            await connection.forward_local_port("127.0.0.1", int(PLACE[0]), PLACE[1], int(PLACE[2]))
        elif WHAT == "local-to-path":
            await connection.forward_local_port_to_path("127.0.0.1", int(PLACE[0]), PLACE[1])
        elif WHAT == "socks":
            await connection.forward_socks("127.0.0.1", int(PLACE[0]))
        elif WHAT == "remote":
            listener = await connection.forward_remote_port("localhost", int(PLACE[0]), PLACE[1], int(PLACE[2]))
            print("port", listener.get_port(), flush=True)
        elif WHAT == "remote-path":
            await connection.forward_remote_path_to_port(PLACE[0], PLACE[1], int(PLACE[2]))
        elif WHAT == "cancel":
            listener = await connection.forward_remote_port("localhost", int(PLACE[0]), PLACE[1], int(PLACE[2]))
            listener.close()
            await listener.wait_closed()
        elif WHAT == "stdio":
            reader, writer = await connection.open_connection(PLACE[0], int(PLACE[1]))
            writer.write(sys.stdin.buffer.read())
            writer.write_eof()
            print((await reader.read()).decode(), end="")
            return
        elif WHAT == "jump":
            async with asyncssh.connect("127.0.0.1", int(PLACE[0]), tunnel=connection, **LOGIN) as inner:
                done = await inner.run("any")
                sys.exit(done.exit_status)
        print("ready", flush=True)
        await connection.wait_closed()


asyncio.run(main())
