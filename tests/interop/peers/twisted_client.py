"""Twisted Conch's client: logs in and runs a command for each job that it reads. Prints what Conch has, then outcomes."""
import json
import struct

from twisted.conch.ssh import channel, common, connection, keys, transport, userauth
from twisted.internet import defer, protocol, reactor, stdio
from twisted.protocols.basic import LineReceiver

BASE = transport.SSHTransportBase
# Its client signs by the name of the key's type alone.
KEY_TYPES = [name for name in BASE.supportedPublicKeys if not name.startswith(b"rsa-sha2-")]


class Command(channel.SSHChannel):
    name = b"session"
    toEnd = False

    def channelOpen(self, data):
        job = self.conn.job
        d = self.conn.sendRequest(self, "exec", common.NS(job["command"].encode()), wantReply=True)
        d.addCallback(self.started, job)
        d.addErrback(self.conn.failed)

    def started(self, ignored, job):
        with open(job["input"], "rb") as file:
            self.write(file.read())
        self.toEnd = True
        self.endWhenWritten()

    def addWindowBytes(self, data):
        channel.SSHChannel.addWindowBytes(self, data)
        self.endWhenWritten()

    def endWhenWritten(self):
        # Its EOF does not wait for what waits for the window.
        if self.toEnd and not self.buf:
            self.toEnd = False
            self.conn.sendEOF(self)

    def dataReceived(self, data):
        self.conn.output.append(data)

    def request_exit_status(self, data):
        (self.conn.status,) = struct.unpack(">L", data)
        return True

    def closed(self):
        self.conn.transport.loseConnection()


class Connection(connection.SSHConnection):
    def __init__(self, job, failed):
        connection.SSHConnection.__init__(self)
        self.job, self.failed = job, failed
        self.output, self.status = [], None

    def serviceStarted(self):
        connection.SSHConnection.serviceStarted(self)
        self.openChannel(Command())


class Login(userauth.SSHUserAuthClient):
    def __init__(self, job, instance):
        userauth.SSHUserAuthClient.__init__(self, job["user"].encode(), instance)
        self.job = job
        self.preferredOrder = [b"publickey" if "key" in job else b"password"]

    def getPublicKey(self):
        if "key" in self.job and self.lastPublicKey is None:
            return keys.Key.fromFile(self.job["key"]).public()
        return None

    def getPrivateKey(self):
        return defer.succeed(keys.Key.fromFile(self.job["key"]))

    def getPassword(self, prompt=None):
        return defer.succeed(self.job["password"].encode()) if "password" in self.job else None


class Client(transport.SSHClientTransport):
    def __init__(self, job):
        self.log = []
        self.ended = defer.Deferred()
        self.connection = Connection(job, lambda reason: self.log.append(str(reason.value)))
        self.login = Login(job, self.connection)

    def verifyHostKey(self, key, fingerprint):
        return defer.succeed(True)

    def connectionSecure(self):
        if self.service is None:  # or it is called after a later key exchange
            self.requestService(self.login)

    def sendDisconnect(self, reason, desc):
        self.log.append("we disconnect: " + desc.decode())
        transport.SSHClientTransport.sendDisconnect(self, reason, desc)

    def receiveError(self, reason, desc):
        self.log.append("they disconnect: " + desc.decode())

    def connectionLost(self, reason):
        transport.SSHClientTransport.connectionLost(self, reason)
        self.ended.callback(None)


class Jobs(LineReceiver):
    delimiter = b"\n"

    def connectionMade(self):
        def names(algorithms):
            return [name.decode() for name in algorithms]
        self.answer({"kex": names(BASE.supportedKeyExchanges), "hostKey": names(BASE.supportedPublicKeys),
                     "cipher": names(BASE.supportedCiphers), "mac": names(BASE.supportedMACs),
                     "compression": names(BASE.supportedCompressions), "login": names(KEY_TYPES)})

    def answer(self, what):
        self.sendLine(json.dumps(what).encode())

    def lineReceived(self, line):
        job = json.loads(line)
        client = Client(job)
        d = protocol.ClientCreator(reactor, lambda: client).connectTCP("127.0.0.1", job["port"])
        d.addCallback(lambda _: client.ended)
        d.addTimeout(job["patience"], reactor)
        d.addErrback(lambda reason: client.log.append(str(reason.value)))
        d.addCallback(lambda _: self.answer({"output": b"".join(client.connection.output).decode(),
                                             "status": client.connection.status, "log": "; ".join(client.log)}))

    def connectionLost(self, reason):
        if reactor.running:
            reactor.stop()


stdio.StandardIO(Jobs())
reactor.run()
