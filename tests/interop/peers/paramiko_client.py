"""Paramiko's client: logs in and runs a command for each job that it reads. Prints what Paramiko has, then outcomes."""
import json
import logging
import socket
import sys
import threading
import time

import paramiko

logging.getLogger("paramiko").addHandler(logging.NullHandler())

KEX = list(paramiko.Transport._kex_info)
CIPHERS = list(paramiko.Transport._cipher_info)
MACS = list(paramiko.Transport._mac_info)
COMPRESSIONS = list(paramiko.Transport._compression_info)
KEYS = list(paramiko.Transport._key_info)
PLAIN_KEYS = [name for name in KEYS if "-cert-" not in name]  # it adds the others itself


def settle(transport):
    """No more key exchanges: Paramiko answers the end of a channel on the thread that would finish one, and stalls."""
    transport.packetizer.REKEY_BYTES = 2**29
    while transport.packetizer.need_rekey() or transport.in_kex:
        time.sleep(0.01)


def run(job):
    transport = paramiko.Transport(socket.create_connection(("127.0.0.1", job["port"])))
    options = transport.get_security_options()
    options.kex, options.ciphers, options.digests = KEX, CIPHERS, MACS
    options.compression, options.key_types = COMPRESSIONS, PLAIN_KEYS
    if "rekeyBytes" in job:
        transport.packetizer.REKEY_BYTES = job["rekeyBytes"]
    try:
        transport.start_client(timeout=job["patience"])
        if "key" in job:
            transport.auth_publickey(job["user"], paramiko.PKey.from_path(job["key"]))
        else:
            transport.auth_password(job["user"], job["password"])
        channel = transport.open_session()
        channel.settimeout(job["patience"])
        channel.exec_command(job["command"])
        with open(job["input"], "rb") as file:
            data = file.read()
        threading.Thread(target=channel.sendall, args=(data,), daemon=True).start()
        output = channel.makefile("rb").read(len(data))
        settle(transport)
        channel.shutdown_write()
        return (output + channel.makefile("rb").read()).decode(), channel.recv_exit_status()
    finally:
        transport.close()


print(json.dumps({"kex": KEX, "hostKey": KEYS, "cipher": CIPHERS, "mac": MACS, "compression": COMPRESSIONS,
                  "login": PLAIN_KEYS}), flush=True)
for line in sys.stdin:
    output, status, log = "", None, ""
    try:
        output, status = run(json.loads(line))
    except Exception as error:
        log = f"{type(error).__name__}: {error}"
    print(json.dumps({"output": output, "status": status, "log": log}), flush=True)
