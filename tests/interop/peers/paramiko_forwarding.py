"""Paramiko's client with one thing forwarded. Arguments: the server's port, what, and whence and where to. Says "ready"."""
import socket
import sys
import threading

import paramiko

PORT, WHAT, *PLACE = sys.argv[1:]


def log_in(sock):
    transport = paramiko.Transport(sock)
    transport.connect(username="user", password="password")
    return transport


def pump(one, other):
    while True:
        data = one.recv(32768)
        if not data:
            break
        other.sendall(data)
    other.shutdown(1)


def join(channel, sock):
    threads = [threading.Thread(target=pump, args=pair) for pair in ((channel, sock), (sock, channel))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    channel.close()
    sock.close()


def start(target, *arguments):
    threading.Thread(target=target, args=arguments, daemon=True).start()


def lead(place):
    return lambda channel, origin, server: start(join, channel, socket.create_connection(place))


transport = log_in(("127.0.0.1", int(PORT)))
if WHAT == "local":  # it has no listener of its own: a channel for each connection is what an application makes of it
    listener = socket.create_server(("127.0.0.1", int(PLACE[0])))
    print("ready", flush=True)
    while True:
        sock, origin = listener.accept()
        start(join, transport.open_channel("direct-tcpip", (PLACE[1], int(PLACE[2])), origin), sock)
elif WHAT == "remote":
    far = transport.request_port_forward("localhost", int(PLACE[0]), lead((PLACE[1], int(PLACE[2]))))
    print("port", far, flush=True)
elif WHAT == "cancel":
    transport.request_port_forward("localhost", int(PLACE[0]), lead((PLACE[1], int(PLACE[2]))))
    transport.cancel_port_forward("localhost", int(PLACE[0]))
elif WHAT == "stdio":
    channel = transport.open_channel("direct-tcpip", (PLACE[0], int(PLACE[1])), ("127.0.0.1", 0))
    channel.sendall(sys.stdin.buffer.read())
    channel.shutdown_write()
    print(channel.makefile("r").read().decode(), end="")
    sys.exit(0)
elif WHAT == "jump":
    channel = transport.open_channel("direct-tcpip", ("127.0.0.1", int(PLACE[0])), ("127.0.0.1", 0))
    session = log_in(channel).open_session()
    session.exec_command("any")
    status = session.recv_exit_status()
    transport.close()
    sys.exit(status)
print("ready", flush=True)
transport.join()
