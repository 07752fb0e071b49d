"""Twisted Conch's server: `cat; exit 7` for one user. Arguments: user, password, authorized keys, host keys. Prints its port."""
import struct
import sys

from twisted.conch.avatar import ConchUser
from twisted.conch.checkers import InMemorySSHKeyDB, SSHPublicKeyChecker, readAuthorizedKeyFile
from twisted.conch.openssh_compat.primes import parseModuliFile
from twisted.conch.ssh import channel, common, factory, keys
from twisted.cred.checkers import InMemoryUsernamePasswordDatabaseDontUse
from twisted.cred.portal import Portal
from twisted.internet import reactor

USER, PASSWORD, AUTHORIZED_KEYS, *HOST_KEYS = sys.argv[1:]


class Command(channel.SSHChannel):
    name = b"session"

    def request_exec(self, data):
        return common.getNS(data)[0] == b"cat; exit 7"

    def dataReceived(self, data):
        self.write(data)

    def eofReceived(self):
        self.conn.sendRequest(self, b"exit-status", struct.pack(">L", 7))
        self.loseConnection()


class Realm:
    def requestAvatar(self, avatarId, mind, *interfaces):
        user = ConchUser()
        user.channelLookup[b"session"] = Command
        return interfaces[0], user, lambda: None


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
