"""AsyncSSH's server: `cat; exit 7` and SFTP for one user. Arguments: user, password, authorized keys, host keys. Prints its port."""
import asyncio
import os
import sys

import asyncssh
from asyncssh.compression import get_compression_algs
from asyncssh.encryption import get_encryption_algs
from asyncssh.kex import get_kex_algs
from asyncssh.mac import get_mac_algs
from asyncssh.public_key import get_public_key_algs

USER, PASSWORD, AUTHORIZED_KEYS, *HOST_KEYS = sys.argv[1:]


def names(algorithms):
    # GSS needs a Kerberos server.
    return [name.decode() for name in algorithms if not name.startswith(b"gss-")]


class Server(asyncssh.SSHServer):
    def password_auth_supported(self):
        return True

    def validate_password(self, username, password):
        return username == USER and password == PASSWORD


async def run(process):
    if process.command != "cat; exit 7":
        process.exit(1)
    while data := await process.stdin.read(65536):
        process.stdout.write(data)
    process.exit(7)


async def main():
    server = await asyncssh.listen(
        "127.0.0.1", 0, server_factory=Server, process_factory=run, sftp_factory=True, encoding=None, server_host_keys=HOST_KEYS,
        authorized_client_keys=AUTHORIZED_KEYS, kex_algs=names(get_kex_algs()),
        encryption_algs=names(get_encryption_algs()), mac_algs=names(get_mac_algs()),
        compression_algs=names(get_compression_algs()), rekey_bytes=int(os.environ.get("REKEY_BYTES", 2**30)), signature_algs=names(get_public_key_algs()))
    print("port", server.get_port(), flush=True)
    await server.wait_closed()


asyncio.run(main())
