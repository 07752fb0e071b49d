/** The callbacks that are functions: calls in time, tasks, Deferreds, services, logging, adapters; and what makes them happen. */
import {
  backoffPolicy,
  ClientService,
  StreamServerEndpointService,
  TimerService,
} from "@strombus/reactor/application/internet";
import { MultiService, Service, ServiceMaker } from "@strombus/reactor/application/service";
import {
  adapt,
  Adapter,
  adapterHooks,
  Componentized,
  interfaceToken,
  registerAdapter,
} from "@strombus/reactor/components";
import {
  Deferred,
  DeferredLock,
  execute,
  fail,
  inlineCallbacks,
  maybeDeferred,
  succeed,
  whenResult,
} from "@strombus/reactor/defer";
import {
  clientFromString,
  registerClientParser,
  registerServerParser,
  serverFromString,
} from "@strombus/reactor/endpoints";
import { Failure } from "@strombus/reactor/failure";
import type { IProtocol, IStreamClientEndpoint, IStreamServerEndpoint } from "@strombus/reactor/interfaces";
import { addObserver, msg, removeObserver } from "@strombus/reactor/log";
import {
  eventAsText,
  FileLogObserver,
  FilteringLogObserver,
  globalLogPublisher,
  LogBeginner,
  type LogEvent,
  Logger,
  type LogObserver,
  LogPublisher,
  PredicateResult,
} from "@strombus/reactor/logger";
import { Factory } from "@strombus/reactor/protocol";
import { Cooperator, deferLater, LoopingCall, react } from "@strombus/reactor/task";
import { SimulatedReactor, StringTransport } from "@strombus/reactor/testing";
import { callMultipleInThread, deferToThread, deferToThreadPool, ThreadPool } from "@strombus/reactor/threads";
import { runAsEffectiveUser } from "@strombus/reactor/util";
import { type Cases, End, type Trial } from "./trial.js";

const work = (): unknown => undefined;

/** Something that the application calls, and that calls it back: then time goes by. */
const called = (call: (trial: Trial) => unknown) => async (trial: Trial) => {
  trial.hear(() => call(trial));
  await trial.settle();
};

/** Logs by an observer of the application's, beside one that is well. */
const observed = (make: (trial: Trial) => LogObserver) => async (trial: Trial) => {
  const observer = make(trial);
  globalLogPublisher.addObserver(observer);
  new Logger({ namespace: "test" }).info("an event");
  globalLogPublisher.removeObserver(observer);
  await trial.settle();
};

class Port {
  startListening(): void {}
  stopListening(): Deferred<null> {
    return succeed(null);
  }
  getHost(): never {
    throw new Error("it has no address");
  }
}

const server = (): IStreamServerEndpoint => ({ listen: () => succeed(new Port()) as never });

/** Connects at once, and loses the connection when it is told to. */
const client = (): IStreamClientEndpoint => ({
  connect: (factory) => {
    const protocol = factory.buildProtocol({ equals: () => false })!;
    void protocol.makeConnection(new StringTransport());
    return succeed(protocol);
  },
});

const refusing = (): IStreamClientEndpoint => ({ connect: () => fail(new Error("refused")) });

async function keepConnected(
  trial: Trial,
  endpoint: IStreamClientEndpoint,
  options: ConstructorParameters<typeof ClientService<IProtocol>>[2] = {},
): Promise<void> {
  const service = new ClientService(endpoint, Factory.forProtocol(End), { clock: trial.reactor, ...options });
  trial.hear(() => service.startService());
  trial.hear(() => service.whenConnected({ failAfterFailures: 1 }));
  await trial.settle();
  await trial.reactor.pump([5, 5]);
  trial.hear(() => service.stopService());
  await trial.settle();
}

async function services(trial: Trial): Promise<void> {
  const [service, late] = [trial.spoil(new Service()), trial.spoil(new Service())];
  const parent = new MultiService();
  trial.hear(() => service.setServiceParent(parent));
  trial.hear(() => parent.privilegedStartService());
  trial.hear(() => parent.startService());
  trial.hear(() => late.setServiceParent(parent));
  trial.hear(() => late.setServiceParent(new MultiService())); // which leaves the other
  trial.hear(() => service.disownServiceParent());
  trial.hear(() => parent.stopService());
  await trial.settle();
}

async function collections(trial: Trial): Promise<void> {
  const parent = trial.spoil(new MultiService());
  const service = new Service();
  trial.hear(() => service.setServiceParent(parent));
  trial.hear(() => parent.privilegedStartService());
  trial.hear(() => parent.startService());
  const above = new MultiService();
  trial.hear(() => above.startService());
  trial.hear(() => parent.setServiceParent(above));
  trial.hear(() => above.stopService());
  await trial.settle();
}

interface IThing {
  readonly isThing: true;
}
const IThing = interfaceToken<IThing>("IThing", [], ["isThing"]);
class Unlike {}

let prefixes = 0;

function* slices(): Generator<undefined> {
  for (let step = 0; step < 3; step++) yield undefined;
}

const cooperation = (make: (trial: Trial) => ConstructorParameters<typeof Cooperator>[0]) => async (trial: Trial) => {
  const { reactor } = trial;
  const cooperator = new Cooperator({ scheduler: (slice) => reactor.callLater(0, slice), ...make(trial) });
  let ended = false as boolean;
  trial.hear(() => cooperator.coiterate(slices()).addBoth(() => (ended = true)));
  await trial.settle();
  cooperator.stop();
  if (!ended) throw new Error("a task was forgotten");
};

const fired = succeed;

export const CALLS: Cases = [
  // Calls in time
  [/^IReactorTime\.callLater\(/, called((trial) => void trial.reactor.callLater(0, trial.function(work)))],
  [/^IReactorFromThreads\./, called((trial) => trial.reactor.callFromThread(trial.function(work)))],
  [/^IReactorInThreads\./, called((trial) => trial.reactor.callInThread(trial.function(work)))],
  [
    /^IReactorCore\.callWhenRunning\(/,
    called((trial) => running(trial, () => trial.reactor.callWhenRunning(trial.function(work)))),
  ],
  [
    /^IReactorCore\.callWhenRunning\(/,
    called((trial) => {
      trial.reactor.callWhenRunning(trial.function(work));
      return running(trial, work);
    }),
  ],
  ...(["before", "during", "after"] as const).map(
    (phase) =>
      [
        /^IReactorCore\.addSystemEventTrigger\(/,
        called((trial) => {
          trial.reactor.addSystemEventTrigger(phase, "an event", trial.function(work));
          trial.reactor.fireSystemEvent("an event");
        }),
      ] as const,
  ),
  [/^ThreadPool\.callInThread\(/, called((trial) => new ThreadPool().callInThread(trial.function(work)))],
  [
    /^ThreadPool\.callInThreadWithCallback\(f\)$/,
    called((trial) => {
      const onResult = (success: boolean, result: unknown): void => {
        if (!success) trial.told.push((result as Failure).value);
      };
      new ThreadPool().callInThreadWithCallback(onResult, trial.function(work));
    }),
  ],
  [
    /^ThreadPool\.callInThreadWithCallback\(onResult\)$/,
    called((trial) => new ThreadPool().callInThreadWithCallback(trial.function(work), work)),
  ],
  [/^deferToThread\(/, called((trial) => deferToThread(trial.function(work)))],
  [/^callMultipleInThread\(/, called((trial) => callMultipleInThread([[trial.function(work)], [work]]))],
  [
    /^deferToThreadPool\(f/,
    called((trial) => deferToThreadPool(trial.reactor, new ThreadPool(), trial.function(work))),
  ],
  [
    /^runAsEffectiveUser\(/,
    called((trial) => runAsEffectiveUser(process.geteuid!(), process.getegid!(), trial.function(work))),
  ],
  // Tasks
  [/^(new LoopingCall\(f\)|LoopingCall\.f)$/, called((trial) => looping(trial, new LoopingCall(trial.function(work))))],
  [/^LoopingCall\.withCount\(/, called((trial) => looping(trial, LoopingCall.withCount(trial.function(work))))],
  [/^deferLater\(/, called((trial) => deferLater(trial.reactor, 0, trial.function(work)))],
  [
    /^react\(main\)$/,
    called((trial) =>
      reactWith(
        trial.function(() => fired(null)),
        () => undefined,
      ),
    ),
  ],
  [
    /^ReactOptions\.exit$/,
    called((trial) =>
      reactWith(
        () => fired(null),
        trial.function(() => undefined),
      ),
    ),
  ],
  [
    /^CooperatorOptions\.terminationPredicateFactory$/,
    cooperation((trial) => ({ terminationPredicateFactory: trial.function(() => () => true) })),
  ],
  [
    /^CooperatorOptions\.terminationPredicateFactory$/,
    cooperation((trial) => ({ terminationPredicateFactory: () => trial.function(() => true) })),
  ],
  [
    /^CooperatorOptions\.scheduler$/,
    called((trial) => {
      const cooperator = new Cooperator({
        scheduler: trial.function((slice: () => void) => trial.reactor.callLater(0, slice)),
      });
      return cooperator.coiterate(slices());
    }),
  ],
  [
    /^an iterator\.next$/,
    called((trial) => {
      const cooperator = new Cooperator({ scheduler: (slice) => trial.reactor.callLater(0, slice) });
      const failing = cooperator.coiterate({ next: trial.function(() => ({ done: true, value: undefined })) as never });
      cooperator.coiterate(slices()).addErrback(() => undefined);
      return failing;
    }),
  ],
  [
    /^an iterator\.next$/,
    called((trial) => {
      const cooperator = new Cooperator({ scheduler: (slice) => trial.reactor.callLater(0, slice) });
      return cooperator.coiterate([null].map(() => trial.hear(trial.function(() => null))).values());
    }),
  ],
  // Deferreds
  [
    /^Canceller$/,
    called((trial) => {
      let ended = false as boolean;
      const waiting = new Deferred(trial.function(() => undefined));
      waiting.addErrback(() => (ended = true));
      trial.hear(() => waiting.cancel());
      if (!ended) throw new Error("who waited was not told");
    }),
  ],
  [
    /^Canceller$/,
    called((trial) =>
      new Deferred(trial.function(() => undefined)).addTimeout(0, trial.reactor).addErrback(() => null),
    ),
  ],
  [
    /^AddTimeoutOptions\./,
    called((trial) => new Deferred().addTimeout(0, trial.reactor, { onTimeoutCancel: trial.function(() => 1) })),
  ],
  [/^Deferred\.addCallbacks\(callback\)$/, called((trial) => fired(1).addCallbacks(trial.function(work)))],
  [/^Deferred\.addCallbacks\(errback\)$/, called((trial) => failed().addCallbacks(null, trial.function(work)))],
  [/^Deferred\.addCallback\(/, called((trial) => fired(1).addCallback(trial.function(work)))],
  [/^Deferred\.addErrback\(/, called((trial) => failed().addErrback(trial.function(work)))],
  [/^Deferred\.addBoth\(/, called((trial) => fired(1).addBoth(trial.function(work)))],
  [/^Deferred\.then\(onFulfilled\)$/, called((trial) => fired(1).then(trial.function(work)))],
  [/^Deferred\.then\(onRejected\)$/, called((trial) => failed().then(null, trial.function(work)))],
  [/^Turnstile\.run\(/, called((trial) => new DeferredLock().run(trial.function(work)))],
  [/^execute\(/, called((trial) => execute(trial.function(work)))],
  [/^maybeDeferred\(/, called((trial) => maybeDeferred(trial.function(work)))],
  [/^inlineCallbacks\(/, called((trial) => inlineCallbacks(trial.function(slices))())],
  [
    /^whenResult\(onValue\)$/,
    called((trial) =>
      whenResult(
        1,
        trial.function(() => undefined),
        work,
      ),
    ),
  ],
  [
    /^whenResult\(onValue\)$/,
    called((trial) =>
      whenResult(
        fired(1),
        trial.function(() => undefined),
        work,
      ),
    ),
  ],
  [
    /^whenResult\(onError\)$/,
    called((trial) =>
      whenResult(
        failed(),
        work,
        trial.function(() => undefined),
      ),
    ),
  ],
  // Services
  [/^(IService|Service)\.(privileged|start|stop)/i, services],
  [/^(IServiceCollection\.addService|MultiService\.\w+)$/, collections],
  [
    /^(TimerService\.call|new TimerService\(callable\))$/,
    async (trial) => {
      const service = new TimerService(1, trial.function(work));
      service.clock = trial.reactor;
      trial.hear(() => service.startService());
      await trial.settle();
      trial.hear(() => service.stopService());
    },
  ],
  [
    /^IStreamServerEndpoint\.listen$/,
    async (trial) => {
      const service = new StreamServerEndpointService(trial.spoil(server()), Factory.forProtocol(End));
      trial.hear(() => service.startService());
      await trial.settle();
      trial.hear(() => service.stopService());
      await trial.settle();
    },
  ],
  [/^IStreamClientEndpoint\.connect$/, (trial) => keepConnected(trial, trial.spoil(client()))],
  [
    /^ClientServiceOptions\.prepareConnection$/,
    (trial) => keepConnected(trial, client(), { prepareConnection: trial.function(work) }),
  ],
  [
    /^RetryPolicy$/,
    (trial) =>
      keepsTrying(
        trial,
        trial.function(() => 1),
      ),
  ],
  [/^BackoffOptions\.jitter$/, (trial) => keepsTrying(trial, backoffPolicy({ jitter: trial.function(() => 1) }))],
  [
    /^IServiceMaker\.makeService$/,
    called((trial) =>
      trial
        .spoil(new ServiceMaker("n", "data:text/javascript,export const makeService = () => ({})", "d", "t"))
        .makeService(null),
    ),
  ],
  // Logging
  [
    /^LegacyObserver$/,
    called((trial) => {
      const observer = trial.function(() => undefined);
      addObserver(observer);
      msg("an event");
      removeObserver(observer);
    }),
  ],
  [/^LogObserver$/, observed((trial) => trial.function(() => undefined))],
  [
    /^LogObserver$/,
    observed(
      (trial) =>
        new FilteringLogObserver(
          trial.function(() => undefined),
          [() => PredicateResult.yes],
        ),
    ),
  ],
  [
    /^LogObserver$/,
    called((trial) => {
      const publisher = new LogPublisher();
      const beginner = new LogBeginner(publisher, { errorStream: { write: work } });
      new Logger({ namespace: "test", observer: publisher }).info("an event that was there before");
      beginner.beginLoggingTo([trial.function(() => undefined), hearing(trial)], { redirectStandardIO: false });
    }),
  ],
  [
    /^LogObserver$/,
    called((trial) => new Logger({ namespace: "t", observer: trial.function(() => undefined) }).info("x")),
  ],
  [
    /^LogFilterPredicate$/,
    observed((trial) => new FilteringLogObserver(work, [trial.function(() => PredicateResult.yes)])),
  ],
  [/^LogFile\./, observed((trial) => new FileLogObserver(trial.spoil({ write: work, flush: work }), () => "x"))],
  [
    /^(FileLogObserver\.formatEvent|new FileLogObserver\(formatEvent\))$/,
    observed(
      (trial) =>
        new FileLogObserver(
          { write: work },
          trial.function(() => "x"),
        ),
    ),
  ],
  [
    /^TimeFormatter$/,
    observed((trial) => (event) => void eventAsText(event, { formatTime: trial.function(() => "now") })),
  ],
  [/^Logger\.failuresHandled\(/, called((trial) => new Logger().failuresHandled("a body", trial.function(work)))],
  [/^TextSink\.write$/, called((trial) => new Failure(new Error("x")).printTraceback(trial.spoil({ write: work })))],
  // Adapters and parsers
  [
    /^AdapterFactory$/,
    called((trial) => {
      class Other {}
      registerAdapter(
        trial.function(() => ({ isThing: true })),
        Other,
        IThing,
      );
      return adapt(IThing, new Other(), null);
    }),
  ],
  [
    /^AdapterHook$/,
    called((trial) => {
      const hook = trial.function(() => null);
      adapterHooks.push(hook);
      try {
        return adapt(IThing, new Unlike(), null);
      } finally {
        adapterHooks.splice(adapterHooks.indexOf(hook), 1);
      }
    }),
  ],
  [/^Adapter\.__conform__$/, called((trial) => adapt(IThing, trial.spoil(new Adapter(new Unlike())), null))],
  [/^Componentized\.__conform__$/, called((trial) => adapt(IThing, trial.spoil(new Componentized()), null))],
  [
    /^ServerParser$/,
    called((trial) => {
      const prefix = `fault${++prefixes}`;
      registerServerParser(prefix, trial.function(server));
      return serverFromString(trial.reactor, `${prefix}:`);
    }),
  ],
  [
    /^ClientParser$/,
    called((trial) => {
      const prefix = `fault${++prefixes}`;
      registerClientParser(prefix, trial.function(client));
      return clientFromString(trial.reactor, `${prefix}:`);
    }),
  ],
];

function failed(): Deferred<never> {
  return fail(new Error("expected"));
}

/** What an observer beside the failing one is told. */
function hearing(trial: Trial): LogObserver {
  return ({ log_failure }: LogEvent) => {
    if (log_failure !== undefined) trial.told.push(log_failure.value);
  };
}

async function running({ reactor }: Trial, call: () => unknown): Promise<void> {
  const ended = reactor.run({ installSignalHandlers: false });
  try {
    call();
  } finally {
    reactor.crash();
    await ended;
  }
}

function looping({ reactor }: Trial, loop: LoopingCall<never[]>): Deferred {
  loop.clock = reactor;
  return loop.start(1).addErrback((failure) => failure);
}

/** With a reactor of its own, since it stops it. */
function reactWith(main: () => Deferred, exit: () => void): Promise<void> {
  const status = process.exitCode;
  return react(main, { reactor: new SimulatedReactor(), exit }).finally(() => (process.exitCode = status));
}

/** The service connects again, whatever the policy says. */
async function keepsTrying(trial: Trial, retryPolicy: (attempt: number) => number): Promise<void> {
  let attempts = 0;
  const endpoint: IStreamClientEndpoint = {
    connect: (factory) => {
      attempts += 1;
      return refusing().connect(factory);
    },
  };
  await keepConnected(trial, endpoint, { retryPolicy });
  if (attempts < 2) throw new Error("the service has given up");
}
