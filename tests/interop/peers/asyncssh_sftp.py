"""A file there and back by AsyncSSH's SFTP: port, user, key, the file, its name there, the file that comes back."""

import asyncio
import sys

import asyncssh

port, user, key, source, name, back = sys.argv[1:]


async def main():
    connect = asyncssh.connect("127.0.0.1", int(port), username=user, client_keys=[key], known_hosts=None, config=None)
    async with connect as connection, connection.start_sftp_client() as sftp:
        await sftp.put(source, name)
        assert name in await sftp.listdir(".")
        await sftp.get(name, back)


asyncio.run(main())
