"""What AsyncSSH asks of a session: port, user, key. Prints what comes of each request."""

import asyncio
import sys

import asyncssh

port, user, key = sys.argv[1:]


async def signal(connection, name, command):
    async with connection.create_process(command) as process:
        await process.stdout.readline()
        process.send_signal(name)
        result = await process.wait()
    ended = result.exit_signal[0] if result.exit_signal else result.exit_status
    print(name, ended, result.stdout.strip())


async def main():
    connect = asyncssh.connect("127.0.0.1", int(port), username=user, client_keys=[key], known_hosts=None, config=None)
    async with connect as connection:
        sleeps = "echo ready; exec sleep 1000"
        for name in ("INT", "TERM", "USR1", "KILL"):
            await signal(connection, name, sleeps)
        await signal(connection, "INT", "trap 'echo caught; exit 5' INT; echo ready; while :; do sleep 0.05; done")
        async with connection.create_process(sleeps) as process:
            await process.stdout.readline()
            process.send_signal("INFO@openssh.com")  # which Linux has not: nothing comes of it
            process.send_signal("NO-SUCH")
            process.terminate()
            print("INFO", (await process.wait()).exit_signal[0])
        env = {"LANG": "C.UTF-8", "LC_TEST": "yes", "EVIL": "no"}
        script = 'stty size; trap "stty size" WINCH; echo ready; while [ -z "$x" ]; do read x; done; echo $LC_TEST-$EVIL-$TERM'
        options = {"term_type": "vt100", "term_size": (91, 31), "env": env}
        async with connection.create_process(f"exec sh -c '{script}'", **options) as process:
            print("size", (await process.stdout.readline()).strip())
            await process.stdout.readline()
            process.change_terminal_size(100, 40)
            print("size", (await process.stdout.readline()).strip())
            process.send_break(500)
            process.stdin.write("x\n")
            print("after a break", (await process.stdout.read()).split()[-1], (await process.wait()).exit_status)


asyncio.run(main())
