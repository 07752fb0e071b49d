/**
 * What the packages publish that is no callback of applications: pattern to reason. A pattern names whole types where all
 * of a type is meant, so that a new method of a type with callbacks needs a case or a line here.
 */
import { BEFORE, BY_INTERFACE, CALLED, PROGRAM, SAME, VALUE, WITHIN, type Reasons } from "./reasons.js";

export const REASONS: Reasons = [
  // Values
  [/^(Key|Certificate|RevocationList|Permissions|SSHTransportAddress|ConnectionState|SSHCiphers|Signer)\./, VALUE],
  [/^(CipherContext|CipherWithKey|AgentHostKey|KexAlgorithm|WrappedProtocol)\./, VALUE],
  [/^(CramMD5Credentials|DigestCredentialFactory|DigestedCredentials)\./, VALUE],
  [/^(UsernameHashedPassword|UsernamePassword|KeyboardInteractive)\./, VALUE],
  [/^(IUsername\w+|IKeyboardInteractive|IPluggableAuthenticationModules)\./, VALUE],
  [/\.(logPrefix|toString|getPeer|getHost|\[Symbol\.\w+\])$/, VALUE],
  [/^PacketTransport\.(isEncrypted|isVerified|getPacket)$/, VALUE],
  // What applications call
  [/^SSHEvents\./, CALLED],
  [/^(Portal|AuthOptions|SQLDatabase|ForwardingListeners|Forwarding|TerminalStream|ClientSession)\./, CALLED],
  [/^InMemoryUsernamePasswordDatabaseDontUse\.addUser$/, CALLED],
  [/^SSHConnection\.send(Extended)?Data$/, CALLED],
  [/^ActingConnection\.(adjustWindow|openChannel|send\w+)$/, CALLED],
  [/^SSHChannel\.(write|writeExtended|writeSequence|loseConnection|addWindowBytes)$/, CALLED],
  [/^(SSHChannel|PacketTransport)\.(pauseProducing|resumeProducing|stopProducing)$/, CALLED],
  [/^PacketTransport\.(send\w+|injectPacket|loseConnection)$/, CALLED],
  [/^KeyExchangeTransport\.sendKexInit$/, CALLED],
  [/^SSHTransportBase\.(send\w+|setService)$/, CALLED],
  [/^SSHServerTransport\.setService$/, CALLED],
  [/^SSHClientTransport\.requestService$/, CALLED],
  [/^SSHUserAuthServer\.sendBanner$/, CALLED],
  [/^SSHUserAuthClient\.askForAuth$/, CALLED],
  [/^TransportSettings\.useAlgorithms$/, CALLED],
  [/^(SSHSession\.loseConnection|SSHConnection\.retire|SSHFactory\.stopGracefully)$/, CALLED],
  [/^SSHSessionProcessProtocol\./, CALLED], // by the programs that run in a session
  [/^PortStream\./, CALLED], // a stream of Node's; its listeners have a case
  [/^FileTransfer(Base|Server)\./, WITHIN],
  [/^FileTransferClient\.(?!gotServerVersion)/, CALLED],
  [/^Client(File|Directory)\./, CALLED],
  [
    /^(SFTPServerFor(UnixConchUser|Folder)|UnixSFTPFile|UnixSFTPDirectory|LocalFile|FolderFile|FolderDirectory)\./,
    BY_INTERFACE,
  ],
  [/^(ITerminalTransport|TerminalOutput|TerminalBuffer|ExpectableBuffer|Buffering|WithLocalBuffer)\./, CALLED],
  [/^ReplManhole\./, CALLED], // in a Program
  [/^(AnsiParser|ColorText)\./, CALLED],
  [/^(FormattedNode|CharacterAttribute|VT102Writer|FileWrapper)\./, VALUE],
  [/^(ServerProtocol|ClientProtocol|ClientTerminal|TerminalProtocol|RecvLine|HistoricRecvLine)\./, WITHIN],
  [/^(Manhole|ColoredManhole|ManholeInterpreter|OutputHandler)\./, WITHIN],
  [/^(TerminalSession|TerminalSessionTransport|TerminalRealm|TerminalUser|_StupidRealm)\./, BY_INTERFACE],
  [/^(ControlSequenceHandler|KeyHandler|OnScroll)$/, WITHIN], // of keys
  // Of windows: called for a key, or by a paint, which is a call of the application's own scheduler
  [/^(Widget|ContainerWidget|TopWindow|AbsoluteBox|Box|HBox|VBox|Packer|Border|Viewport|ScrolledArea)\./, WITHIN],
  [/^(Button|TextInput|PasswordInput|TextOutput|TextOutputArea|Canvas|Selection)\./, WITHIN],
  [/^(Scrollbar|HorizontalScrollbar|VerticalScrollbar|Surface|BoundedTerminalWrapper)\./, WITHIN],
  [/^new (Button|Selection|TextInput|TopWindow)\(/, WITHIN],
  [
    /^(TerminalProcessProtocol|TerminalProcessApplication|ConsoleManhole|Keyboard|Screen)\.|^runWithProtocol\(/,
    PROGRAM,
  ],
  [/^(RunWithOptions|RunningReactor)\./, PROGRAM],
  [/^SSHAgent(Client|Server|ServerChannel|ForwardingChannel)\./, WITHIN],
  [/^(HostBasedCheckerOptions|SSHPublicKeyCheckerOptions|IAuthorizedKeysDB|UserDatabase|ShadowDatabase)\./, WITHIN],
  [/^(PasswordHash|Crypt|AllowRequest|DefenceOptions\.random)$/, WITHIN],
  [/^(PostgresPool|SQLiteConnection)\./, WITHIN],
  // What stands behind an interface
  [/^(Defence|InMemorySSHKeyDB|UNIXAuthorizedKeysFiles|UNIXPasswordDatabase|HostBasedChecker)\./, BY_INTERFACE],
  [/^(SSHPublicKeyChecker|SSHProtocolChecker|UnixSSHRealm|UnixConchUser|SSHSessionForUnixConchUser)\./, BY_INTERFACE],
  [/^(RelayUser|RelayConnection|RelayChannel|ConnectionRealm|InjectedUser)\./, BY_INTERFACE],
  [/^(AllowAnonymousAccess|FilePasswordDB|InMemoryUsernamePasswordDatabaseDontUse|LDAPChecker)\./, BY_INTERFACE],
  [/^(PluggableAuthenticationModulesChecker|SQLPasswordDB|SSHPublicKeyDatabase)\./, BY_INTERFACE],
  [
    /^(ConnectForwardingChannel|ForwardingChannel|SocketChannel|SSHListenForwardingChannel|SSHX11ForwardingChannel)\./,
    BY_INTERFACE,
  ],
  [/^(SSHForwardingClient|ForwardingFactory|SSHSessionClient)\./, BY_INTERFACE],
  [/^(SSHConnectForwardingChannel|StreamlocalConnectChannel)\.dial$/, BY_INTERFACE],
  [/^(SSHListenForwardingFactory|StreamlocalForwardingFactory)\./, BY_INTERFACE],
  [/^(TransportService|SSHClientFactory)\./, BY_INTERFACE],
  // Others
  [/^new KeyboardInteractive\(ask\)$/, CALLED], // by checkers: it is for those who make credentials of their own
  [/^(ServerTransportFactory|UserAuthFactory)\./, SAME],
  [/^(SSHClientTransport\.(setService|sendDisconnect|receive(Error|Debug)|connectionLost)|HostKeyVerifier$)/, SAME],
  [/^SSHTransportBase\.logoutFunction$/, SAME],
  [/^SSHService\.service(Started|Stopped)$/, SAME],
  [/^ActingConnection\.(channelClosed|serviceStopped)$/, SAME],
  [
    /^(PacketTransport|KeyExchangeTransport|SSHTransportBase)\.(connectionMade|connectionLost|ssh_NEWKEYS|ssh_KEXINIT)$/,
    SAME,
  ],
  [/^(SSHTransportBase\.gotGlobalRequest|PacketTransport\.offended)$/, SAME],
  [/\.ssh_KEX_DH_GEX_(REPLY|INIT|REQUEST)$/, SAME],
  [/^SSHFactory\.getDHPrime$/, SAME],
  [/^AuthenticationMethods\.auth_publickey$/, SAME],
  [/^SSHUserAuthClient\.ssh_USERAUTH_PK_OK_password$/, SAME],
  [/^SSHFactory\.(startFactory|stopFactory|getPrimes|getPrivateKeys|getPublicKeys)$/, BEFORE],
  [/^OpenSSHFactory\.|^Options\.(addChecker|postOptions)$/, BEFORE],
  [/^(GetByName|ParseKey|ICheckerFactory\.\w+)$/, BEFORE],
  [
    /^(GeneralOptions|ConchOptions|ClientOptions|Questions|TerminalQuestions|StdioClient|StdioClientOptions|RunOptions)\./,
    PROGRAM,
  ],
  [/^(InputCollector|Connect)$/, PROGRAM],
  // Of telnet, whose own tests have each method of an ITelnetProtocol, checkers, avatars and logouts fail
  [/^(ITelnetTransport|ProtocolTransportMixin|TelnetProtocolFactory|ManholeFactory)\b/, CALLED],
  [
    /^(ITelnetProtocol|OptionHooks|OptionNegotiation|Telnet|TelnetTransport|TelnetProtocol|TelnetBootstrapProtocol)\./,
    WITHIN,
  ],
  [
    /^(StatefulTelnetProtocol|AuthenticatingTelnetProtocol|CommandTable)\.|^(SubnegotiationHandler|CommandHandler)$/,
    WITHIN,
  ],
  [/^(Terminal|UserSide)\.|^SSHConnection\.(whenEmpty|forward(\(tell\))?)$/, PROGRAM],
  [/^SSHSession\.(handleInput|endInput|leave|request_exit_\w+)$/, PROGRAM],
  [/^(TransferChannel\.|SSHSession\.openFailed$)/, SAME],
  // Of the clients that endpoints make, whose own tests have who is asked and whatever knows hosts fail
  [/^(IKnownHostEntry|KeyEntry|HashedEntry|PlainEntry|UnparsedEntry|SSHCommandAddress)\./, VALUE],
  [/^(ConsoleUI|KnownHostsFile|SSHCommandClientEndpoint|ICommandTransport)\./, CALLED],
  [/^(Console|KnownHosts|KnownHostsUI|ISSHConnectionCreator)\.|^new ConsoleUI/, WITHIN],
];
