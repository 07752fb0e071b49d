"""A command of a server by AsyncSSH: port, user, key, command. Input, outputs and exit status are its own."""

import asyncio
import sys

import asyncssh

port, user, key, command = sys.argv[1:]


async def main():
    connect = asyncssh.connect("127.0.0.1", int(port), username=user, client_keys=[key], known_hosts=None, config=None)
    async with connect as connection:
        result = await connection.run(command, input=sys.stdin.buffer.read(), encoding=None)
    sys.stdout.buffer.write(result.stdout)
    sys.stderr.buffer.write(result.stderr)
    if result.exit_signal:
        sys.exit(f"killed by signal {result.exit_signal[0]}")
    sys.exit(result.exit_status)


asyncio.run(main())
