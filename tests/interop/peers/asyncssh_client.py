"""AsyncSSH's client: logs in and runs a command for each job that it reads. Prints what AsyncSSH has, then outcomes."""
import asyncio
import json
import sys

import asyncssh
from asyncssh.compression import get_compression_algs
from asyncssh.encryption import get_encryption_algs
from asyncssh.kex import get_kex_algs
from asyncssh.mac import get_mac_algs
from asyncssh.public_key import get_certificate_algs, get_public_key_algs


def names(algorithms):
    # GSS needs a Kerberos server.
    return [name.decode() for name in algorithms if not name.startswith(b"gss-")]


KEX = names(get_kex_algs())
CIPHERS = names(get_encryption_algs())
MACS = names(get_mac_algs())
COMPRESSIONS = names(get_compression_algs())
SIGNATURES = names(get_public_key_algs())
HOST_KEYS = names(get_certificate_algs()) + SIGNATURES


async def run(job):
    login = {"client_keys": [job["key"]], "signature_algs": [job["algorithm"]]} if "key" in job else {
        "client_keys": None, "password": job["password"]}
    if "rekeyBytes" in job:
        login["rekey_bytes"] = job["rekeyBytes"]
    async with asyncssh.connect(
            "127.0.0.1", job["port"], username=job["user"], config=None, known_hosts=None, agent_path=None,
            kex_algs=KEX, encryption_algs=CIPHERS, mac_algs=MACS, compression_algs=COMPRESSIONS,
            server_host_key_algs=HOST_KEYS, **login) as connection:
        with open(job["input"]) as file:
            result = await connection.run(job["command"], input=file.read())
        return result.stdout, result.exit_status


async def main():
    print(json.dumps({"kex": KEX, "hostKey": HOST_KEYS, "cipher": CIPHERS, "mac": MACS, "compression": COMPRESSIONS,
                      "login": SIGNATURES}), flush=True)
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        job = json.loads(line)
        output, status, log = "", None, ""
        try:
            output, status = await asyncio.wait_for(run(job), job["patience"])
        except Exception as error:
            log = f"{type(error).__name__}: {error}"
        print(json.dumps({"output": output, "status": status, "log": log}), flush=True)


asyncio.run(main())
