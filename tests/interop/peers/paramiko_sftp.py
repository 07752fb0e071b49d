"""A file there and back by Paramiko's SFTP: port, user, key, the file, its name there, the file that comes back."""

import sys

import paramiko

port, user, key, source, name, back = sys.argv[1:]

client = paramiko.SSHClient()
client.set_missing_host_key_policy(paramiko.AutoAddPolicy())
client.connect("127.0.0.1", int(port), user, key_filename=key, allow_agent=False, look_for_keys=False)
sftp = client.open_sftp()
sftp.put(source, name)
assert name in sftp.listdir()
sftp.get(name, back)
client.close()
