"""A command of a server by Paramiko: port, user, key, command. Input, outputs and exit status are its own."""

import sys
import threading

import paramiko

port, user, key, command = sys.argv[1:]

client = paramiko.SSHClient()
client.set_missing_host_key_policy(paramiko.AutoAddPolicy())
client.connect("127.0.0.1", int(port), user, key_filename=key, allow_agent=False, look_for_keys=False)
stdin, stdout, stderr = client.exec_command(command)


def feed():
    stdin.write(sys.stdin.buffer.read())
    stdin.channel.shutdown_write()


threading.Thread(target=feed).start()
sys.stdout.buffer.write(stdout.read())
sys.stderr.buffer.write(stderr.read())
status = stdout.channel.recv_exit_status()
client.close()
if status < 0:
    sys.exit("no exit status: killed by a signal, of which Paramiko does not tell")
sys.exit(status)
