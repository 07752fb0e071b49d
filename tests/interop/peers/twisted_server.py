"""Twisted Conch's server: `cat; exit 7` and SFTP for one user. Arguments: user, password, authorized keys, host keys. Prints its port."""
import struct
import sys

from twisted.conch.avatar import ConchUser
from twisted.conch.checkers import InMemorySSHKeyDB, SSHPublicKeyChecker, readAuthorizedKeyFile
from twisted.conch.openssh_compat.primes import parseModuliFile
from twisted.conch.interfaces import ISFTPServer
from twisted.conch.ssh import common, factory, filetransfer, keys, session
from twisted.conch.unix import SFTPServerForUnixConchUser
from twisted.cred.checkers import InMemoryUsernamePasswordDatabaseDontUse
from twisted.cred.portal import Portal
from twisted.internet import reactor
from twisted.python.components import registerAdapter
from twisted.python.filepath import FilePath

USER, PASSWORD, AUTHORIZED_KEYS, *HOST_KEYS = sys.argv[1:]


class Command(session.SSHSession):
    def request_exec(self, data):
        return common.getNS(data)[0] == b"cat; exit 7"

    def dataReceived(self, data):
        if self.client:
            session.SSHSession.dataReceived(self, data)
        else:
            self.write(data)

    def eofReceived(self):
        if self.client is None:
            self.conn.sendRequest(self, b"exit-status", struct.pack(">L", 7))
        self.loseConnection()


class User(ConchUser):
    def __init__(self):
        ConchUser.__init__(self)
        self.channelLookup[b"session"] = Command
        self.subsystemLookup[b"sftp"] = filetransfer.FileTransferServer

    def getHomeDir(self):
        return FilePath("/tmp")

    def getUserGroupId(self):
        return None, None

    def _runAsUser(self, f, *args, **kw):
        calls = [(f, args, kw)] if callable(f) else f
        for function, *rest in calls:
            result = function(*(rest[0] if rest else ()), **(rest[1] if len(rest) > 1 else {}))
        return result


registerAdapter(SFTPServerForUnixConchUser, User, ISFTPServer)


class Realm:
    def requestAvatar(self, avatarId, mind, *interfaces):
        return interfaces[0], User(), lambda: None


class Factory(factory.SSHFactory):
    def getPrivateKeys(self):
        hostKeys = [keys.Key.fromFile(name) for name in HOST_KEYS]
        return {key.sshType(): key for key in hostKeys}

    def getPublicKeys(self):
        return {format: key.public() for format, key in self.getPrivateKeys().items()}

    def getPrimes(self):
        return parseModuliFile("/etc/ssh/moduli")


with open(AUTHORIZED_KEYS, "rb") as file:
    authorized = list(readAuthorizedKeyFile(file))
sshFactory = Factory()
sshFactory.portal = Portal(Realm(), [
    InMemoryUsernamePasswordDatabaseDontUse(**{USER: PASSWORD.encode()}),
    SSHPublicKeyChecker(InMemorySSHKeyDB({USER.encode(): authorized}))])
listening = reactor.listenTCP(0, sshFactory, interface="127.0.0.1")
print("port", listening.getHost().port, flush=True)
reactor.run()
