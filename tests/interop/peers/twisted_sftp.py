"""Twisted Conch's SFTP client, with all that it can do. Arguments: port, user, password. Prints that all is well."""
import os
import sys
import traceback

from twisted.conch.ssh import channel, common, connection, filetransfer, transport, userauth
from twisted.internet import defer, protocol, reactor

PORT, USER, PASSWORD = sys.argv[1:]
DATA = os.urandom(1000000)
CHUNK = 32000
outcome = []


@defer.inlineCallbacks
def talk(client):
    assert client.version == 3
    file = yield client.openFile(b"file", filetransfer.FXF_READ | filetransfer.FXF_WRITE | filetransfer.FXF_CREAT, {})
    starts = range(0, len(DATA), CHUNK)
    yield defer.gatherResults([file.writeChunk(at, DATA[at:at + CHUNK]) for at in starts])
    chunks = yield defer.gatherResults([file.readChunk(at, CHUNK) for at in starts])
    assert b"".join(chunks) == DATA
    try:
        yield file.readChunk(len(DATA), 1)
        assert False
    except EOFError:
        pass
    attrs = yield file.getAttrs()
    assert attrs["size"] == len(DATA)
    yield file.close()
    yield client.setAttrs(b"file", {"permissions": 0o600, "atime": 5, "mtime": 6})
    attrs = yield client.getAttrs(b"file")
    assert (attrs["permissions"], attrs["mtime"]) == (0o100600, 6)
    yield client.makeDirectory(b"dir", {})
    yield client.renameFile(b"file", b"dir/renamed")
    yield client.makeLink(b"dir/link", b"renamed")
    assert (yield client.readLink(b"dir/link")) == "renamed"
    assert (yield client.getAttrs(b"dir/link", 1))["size"] == len(DATA)
    assert (yield client.realPath(b"dir/../dir/link")) == "/dir/renamed"
    directory = yield client.openDirectory(b"dir")
    entries = yield directory.read()
    assert sorted(name for name, longname, attrs in entries) == [b"link", b"renamed"]
    try:
        yield directory.read()
        assert False
    except EOFError:
        pass
    yield directory.close()
    try:
        yield client.removeFile(b"nothing")
        assert False
    except filetransfer.SFTPError as error:
        assert (error.code, error.message) == (filetransfer.FX_NO_SUCH_FILE, "No such file or directory")
    try:
        yield client.extendedRequest(b"nobody@example.com", b"")
        assert False
    except NotImplementedError:
        pass
    yield client.removeFile(b"dir/link")
    yield client.removeFile(b"dir/renamed")
    yield client.removeDirectory(b"dir")
    outcome.append("all is well")


class Session(channel.SSHChannel):
    name = b"session"

    def channelOpen(self, data):
        d = self.conn.sendRequest(self, b"subsystem", common.NS(b"sftp"), wantReply=True)
        d.addCallback(self.started)
        d.addErrback(self.failed)
        d.addBoth(lambda ignored: self.conn.transport.loseConnection())

    def started(self, ignored):
        done = defer.Deferred()

        class Client(filetransfer.FileTransferClient):
            def gotServerVersion(self, version, extensions):
                talk(self).chainDeferred(done)

        self.client = Client()
        self.client.makeConnection(self)
        self.dataReceived = self.client.dataReceived
        return done

    def failed(self, reason):
        reason.printTraceback(sys.stderr)


class Connection(connection.SSHConnection):
    def serviceStarted(self):
        connection.SSHConnection.serviceStarted(self)
        self.openChannel(Session())


class Login(userauth.SSHUserAuthClient):
    preferredOrder = [b"password"]

    def getPassword(self, prompt=None):
        return defer.succeed(PASSWORD.encode())


class Transport(transport.SSHClientTransport):
    def verifyHostKey(self, key, fingerprint):
        return defer.succeed(True)

    def connectionSecure(self):
        self.requestService(Login(USER.encode(), Connection()))

    def connectionLost(self, reason):
        transport.SSHClientTransport.connectionLost(self, reason)
        if reactor.running:
            reactor.stop()


protocol.ClientCreator(reactor, Transport).connectTCP("127.0.0.1", int(PORT))
reactor.run()
for line in outcome:
    print(line)
