"""Joins a socket of this file system to a port. Arguments: "listen" or "connect", the socket's path, and the port where it
is that listens on the other side; for "connect" it prints a port of its own."""
import socket
import sys
import threading

what, path, *port = sys.argv[1:]


def pump(one, other):
    try:
        while data := one.recv(65536):
            other.sendall(data)
        other.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def inside():
    sock = socket.socket(socket.AF_UNIX)
    sock.connect(path)
    return sock


if what == "listen":
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen()
    print("port 0", flush=True)
else:
    listener = socket.create_server(("127.0.0.1", 0))
    print("port", listener.getsockname()[1], flush=True)
while True:
    near, _ = listener.accept()
    far = socket.create_connection(("127.0.0.1", int(port[0]))) if what == "listen" else inside()
    for pair in ((near, far), (far, near)):
        threading.Thread(target=pump, args=pair, daemon=True).start()
