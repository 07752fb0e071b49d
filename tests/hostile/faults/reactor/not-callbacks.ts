/** What the reactor publishes that is no callback of applications: pattern to reason, as for the other packages. */
import { BEFORE, BY_INTERFACE, CALLED, LATER, SAME, TESTS, VALUE, WITHIN, type Reasons } from "../reasons.js";

export const REASONS: Reasons = [
  // Values
  [/\.(toString|equals|getPeer|getHost|getDestination|\[Symbol\.\w+\]|\[inspect\.custom\])$/, VALUE],
  [
    /^(Failure|Certificate|KeyPair|PrivateCertificate|LogLevelConstant|ListenFDs|InterfaceToken|ShadowDatabase)\./,
    VALUE,
  ],
  [/^(UserDatabase|CertificateOptions|ContextByName|LogLevelFilterPredicate|Operation|I?Roster)\./, VALUE],
  [/^(IProcess|Componentized|ReprableComponentized|AdapterRegistry)\.(?!__conform__)/, VALUE],
  // What applications call
  [/^(IReactor\w+|BaseReactor|NodeReactor)\.\w+$/, CALLED],
  [
    /^(IDelayedCall|IConnector|IListeningPort|IHostResolution|CooperativeTask|Cooperator|CooperatorService)\.\w+$/,
    CALLED,
  ],
  [/^(ITransport|ITCPTransport|ITLSTransport|ISSLTransport|ISystemHandle|IUDPTransport|IMulticastTransport)\./, CALLED],
  [
    /^(IProcessTransport|IChildProcess|ITerminalProcess|FakeProcess|StandardIO|StreamConnection|TLSConnection)\./,
    CALLED,
  ],
  [/^(UDPPort|FileWrapper|ProtocolToConsumerAdapter|LogBeginner|LogPublisher|Logger|LoggingFile)\.\w+$/, CALLED],
  [/^(Deferred|DeferredList|DeferredQueue|DeferredFilesystemLock|FilesystemLock|Turnstile|ThreadPool)\.\w+$/, CALLED],
  [/^(ClientCreator|LoopingCall)\.(connect\w+|start|stop|reset)$/, CALLED],
  [
    /^(ClientService|ConnectorService|PortService|StreamServerEndpointService)\.(start|stop|when|privileged)\w+$/,
    BY_INTERFACE,
  ],
  [/^(PortService|TimerService)\.(privileged)?(start|stop)\w+$/i, BY_INTERFACE],
  [/^(Service|IService|MultiService)\.(setName|setServiceParent|disownServiceParent)$/, CALLED],
  [/^(MultiService|IServiceCollection)\.(getServiceNamed|removeService)$/, CALLED],
  [/^(ReconnectingClientFactory)\.(stopTrying|resetDelay)$/, CALLED],
  [/^(TimeoutProtocol|WithTimeout)\.(setTimeout|cancelTimeout|resetTimeout)$/, CALLED],
  [/^(LineReceiver|LineOnlyReceiver|IntNStringReceiver|NetstringReceiver)\.(send|set|clear)\w+$/, CALLED],
  // Of producers, consumers and files of ours: those of applications have cases.
  [/^(?!I(Push|Pull)?Producer\.).*\.(pauseProducing|resumeProducing|stopProducing)$/, CALLED],
  [/^(?!IConsumer\.).*\.(registerProducer|unregisterProducer)$/, CALLED],
  [/\.(writeSequence|lose\w*Connection|abortConnection)$/, CALLED],
  [/^(ProtocolWrapper|ThrottlingProtocol|TimeoutProtocol)\.write$/, CALLED],
  [/^ProtocolWrapper\.(startTLS|[gs]etTcp\w+|get\w+Certificate)$/, CALLED],
  [/^(TrafficLoggingFactory)\.resetCounter$/, CALLED],
  [/^(ProxyClientFactory|Proxy)\.(setServer|setPeer)$/, CALLED],
  [/^LimitedHistoryLogObserver\.replayTo$/, CALLED],
  [/^deferToThreadPool\(reactor\)$/, CALLED],
  [/^new (PortService|ConnectorService)\(/, CALLED], // by the services of ours that are made of them
  [/^FileSender\.beginFileTransfer$/, CALLED],
  [/^WithTimeout\.callLater\(/, CALLED],
  [/^ThrottlingFactory\.callLater\(/, CALLED],
  [/^BaseReactor\.\w+\(/, SAME],
  // What stands behind an interface
  [/^(Chargen|Daytime|Discard|Echo|QOTD|Time|Who|Proxy|ProxyClient|ProxyServer)\./, BY_INTERFACE],
  [/^(ProxyClientFactory|ConsumerToProtocolAdapter|TLSMemoryBIOFactory|HAProxyProtocolWrapper)\./, BY_INTERFACE],
  [/^(ThrottlingProtocol|TimeoutProtocol)\.(dataReceived|connectionLost|guarded|(un)?throttle\w+)$/, BY_INTERFACE],
  [/^(?!IStream)\w+Endpoint\.(connect|listen)$/, BY_INTERFACE],
  [
    /^(LimitConnectionsByPeer|LimitTotalConnectionsFactory|HAProxyWrappingFactory|ThrottlingFactory)\.buildProtocol$/,
    SAME,
  ],
  [/^(LimitConnectionsByPeer|ThrottlingFactory)\.(un)?registerProtocol$/, SAME],
  [/^(SpewingFactory|TimeoutFactory|ThrottlingFactory)\.wrap$/, SAME],
  [/^TrafficLoggingFactory\.wrap$/, SAME],
  [/^ThrottlingFactory\.register(Read|Written)$/, WITHIN],
  [/^(FileLogObserver|FilteringLogObserver|LimitedHistoryLogObserver)\.observe$/, BY_INTERFACE],
  [/^ServiceMaker\.makeService$/, BY_INTERFACE],
  // Others
  [/^(WrappingFactory|ProtocolWrapper|AbstractDatagramProtocol)\.logPrefix$/, SAME],
  [/^(Receiver|LineReceiver)\.dataReceived$/, SAME],
  [/\.\[parse\]$/, WITHIN],
  [/^ProtocolWrapper\.connectionMade$/, LATER],
  [/^ConnectedDatagramProtocol\.(datagramReceived|connectionFailed)$/, LATER],
  [/^Options\./, BEFORE],
  [/^(AccumulatingProtocol|AdvancingClock|CleaningTest|Clock|ConnectionCompleter|FakeConnector)\./, TESTS],
  [/^(FakeDatagramTransport|FakePort|FakeTransport|FaultyTransport|Faults|IOPump|LineSendingProtocol)\./, TESTS],
  [
    /^(Memory\w+|NonStreamingProducer|PairOptions|RaisingMemoryReactor|SimulatedReactor|String\w+|TestAuthority)\./,
    TESTS,
  ],
  [/^SpawningReactor\./, CALLED],
  [/^(connectedServerAndClient|capturedLogs)\(/, TESTS],
];
