/** The server's side of user authentication (RFC 4252). */
import {
  IAnonymous,
  IKeyboardInteractive,
  IPluggableAuthenticationModules,
  ISSHHostBased,
  ISSHPrivateKey,
  IUsernamePassword,
  IUsernamePasswordChange,
} from "@strombus/cred/credentials";
import { LoginFailed, PasswordChangeRequired, UnauthorizedLogin } from "@strombus/cred/error";
import { reactor } from "@strombus/reactor";
import type { InterfaceToken } from "@strombus/reactor/components";
import { Deferred, fail, maybeDeferred, succeed } from "@strombus/reactor/defer";
import { Failure } from "@strombus/reactor/failure";
import type { IReactorTime } from "@strombus/reactor/interfaces";
import { made } from "../class.js";
import { ConchError, IgnoreAuthentication, NotEnoughAuthentication, ProtocolError } from "../error.js";
import { UserauthBanner, UserauthFailure, UserauthPasswdChangereq, UserauthRequest } from "../messages/userauth.js";
import { restrict } from "../permissions.js";
import { named } from "../events/report.js";
import { BadKeyError } from "../ssh/keys.js";
import { namedMethod } from "../ssh/service.js";
import type { TransportService } from "../transport/base.js";
import { DISCONNECT_PROTOCOL_ERROR } from "../transport/constants.js";
import type { Offence } from "../transport/gate.js";
import { tell, watch } from "../transport/watch.js";
import { log, logLogin, shown } from "./events.js";
import { isUserName, logOut, loginOf, logOutOf, type UserAuthFactory } from "./login.js";
import { AuthenticationMethods } from "./methods.js";
import {
  MSG_USERAUTH_BANNER,
  MSG_USERAUTH_FAILURE,
  MSG_USERAUTH_PASSWD_CHANGEREQ,
  MSG_USERAUTH_SUCCESS,
  protocolMessages,
} from "./numbers.js";
import { Appointment, Attempt, type LoginProgress, progressOf } from "./progress.js";
import { HOST_BOUND } from "./publickey.js";
import { stepsLeft } from "./steps.js";

/** Methods by which a secret travels as it is. */
const NOT_IN_THE_CLEAR: ReadonlySet<string> = new Set(["password", "keyboard-interactive"]);

/** What the requests that wait may hold together (T9). */
const MAX_WAITING_BYTES = 65_536;

/** One for all: most clients begin with `none`, and making the stack of an error costs more than the answer. */
const UNSUPPORTED = new ConchError("unsupported authentication, failing");

/**
 * The service `ssh-userauth` of a server. A method `x-y` is offered when the portal checks an interface that
 * {@link interfaceToMethod} maps to it, and is done by `auth_x_y`; a subclass adds one by adding both.
 */
export class SSHUserAuthServer extends AuthenticationMethods {
  override name = "ssh-userauth";
  override protocolMessages = protocolMessages;

  /** Seconds from the start of a connection until it is ended. */
  loginTimeout = 120;
  /** Failures that a connection may have; the next one ends it. */
  attemptsBeforeDisconnect = 6;
  /** Seconds that a failure takes at least, whatever failed: its answer waits for the next multiple. */
  passwordDelay = 0.25;
  /** Requests that a connection may send; the next one ends it. */
  maxRequests = 128;
  /** Requests that may wait for the one in hand, in 64 KiB at most; the next one ends the connection. */
  maxWaiting = 16;
  /** Told to the client before its first request is answered; null for nothing. */
  banner: string | null = null;
  clock: IReactorTime = reactor;
  interfaceToMethod = new Map<InterfaceToken, string>([
    [ISSHPrivateKey, "publickey"],
    [IUsernamePassword, "password"],
    [IKeyboardInteractive, "keyboard-interactive"],
    [IPluggableAuthenticationModules, "keyboard-interactive"],
    [ISSHHostBased, "hostbased"],
  ]);

  /** The methods offered, in the order in which the portal's checkers were registered. */
  supportedAuthentications: string[] = [];

  /** Failures so far on this connection. */
  get loginAttempts(): number {
    return this.#progress.failures;
  }
  /** Method of the current request. */
  get method(): string | null {
    return this.#progress.method;
  }
  /** Methods that succeeded in part, for subclasses to keep; emptied when the user or the service changes. */
  get authenticatedWith(): string[] {
    return this.#progress.authenticatedWith;
  }

  override serviceStarted(): void {
    const { portal } = this.#factory;
    if (!portal) throw new ConchError("the factory has no portal: nobody can log in");
    this.portal = portal;
    const methods = this.portal.listCredentialsInterfaces().flatMap((each) => this.interfaceToMethod.get(each) ?? []);
    const clear = !this.transport!.isEncrypted("in");
    this.supportedAuthentications = [...new Set(methods)].filter((each) => !(clear && NOT_IN_THE_CLEAR.has(each)));

    const progress = this.#progress;
    if (progress.over) return;
    progress.deadline ??= new Appointment(this.#began() + this.loginTimeout, () => this.#timeOut());
    progress.resume(this.clock);
  }

  /** When the connection did (R3), if its time is ours; else now. */
  #began(): number {
    const { clock, startedAt } = this.transport!;
    return clock === this.clock ? startedAt : this.clock.seconds();
  }

  override serviceStopped(): void {
    this.#progress.suspend();
    if (this.transport!.service !== this) this.#progress.abandon("the client is gone"); // and no service comes after this
  }

  /** The time to log in is over. */
  timeoutAuthentication(): void {
    const { inHand } = this.#progress;
    if (inHand?.checker && !inHand.dialogue) {
      log.warn("checker {checker} has not answered in time", { checker: inHand.checker });
    }
    this.#offended("timeout");
    this.turnAway("you took too long");
  }

  /** Tells the client something, as often as there is something to tell, until it has logged in (RFC 4252 section 5.4). */
  sendBanner(message: string, language = ""): void {
    if (this.#progress.over) return;
    this.transport!.sendPacket(MSG_USERAUTH_BANNER, UserauthBanner.encode({ message, language }));
  }

  /**
   * One request. It fires when the request was answered, or dropped because its time had passed. One is in hand at a
   * time; those that come meanwhile wait, each for its own delay, so that sending ahead buys no guesses (A3).
   */
  ssh_USERAUTH_REQUEST(packet: Buffer): Deferred<null> {
    const progress = this.#progress;
    if (progress.over) return succeed(null);
    if (++progress.requests > this.maxRequests) return this.turnAway("too many requests");
    // A new request ends an open dialogue, which gets no answer (RFC 4252 section 5).
    if (progress.inHand?.dialogue) progress.abandon("the client went on without answering");
    if (progress.inHand === null) return this.#take(packet);
    const bytes = progress.waiting.reduce((sum, each) => sum + each.packet.length, packet.length);
    if (progress.waiting.length >= this.maxWaiting || bytes > MAX_WAITING_BYTES)
      return this.turnAway("too many requests at once");
    const answered = new Deferred<null>();
    progress.waiting.push({ packet: Buffer.from(packet), answered });
    return answered;
  }

  /** The answers to our questions, which are taken once. */
  ssh_USERAUTH_INFO_RESPONSE(packet: Buffer): void {
    const attempt = this.#progress.inHand;
    if (this.#progress.over) return;
    const dialogue = attempt?.dialogue;
    if (!attempt || !dialogue) return void this.turnAway("answers without a question", DISCONNECT_PROTOCOL_ERROR);
    attempt.dialogue = null;
    dialogue.take(packet);
  }

  /**
   * Tries one method.
   *
   * @param data the method's own part of the request
   * @returns what the method's login gives; fails with ConchError for a method that is not offered
   */
  tryAuth(kind: string, user: string, data: Buffer): Deferred {
    const name = kind === HOST_BOUND ? "publickey_hostbound_v00" : kind.replaceAll("-", "_");
    const handler = this.#offers(kind) ? namedMethod(this, `auth_${name}`) : null;
    if (handler === null) return fail(UNSUPPORTED);
    const result = maybeDeferred(() => handler(data));
    return result.addCallback((login) => {
      if (!login) throw new ConchError(`the method ${kind} gave nothing`);
      return login;
    });
  }

  /** A method succeeded: the user is in, if the service asked for is one that we run. */
  _cbFinishedAuth(result: unknown): void {
    const transport = this.transport!;
    const [, avatar, logout] = loginOf(result);
    transport.avatar = avatar; // what the factory goes by
    transport.logoutFunction = logout;
    const service = this.#nextServiceInstance();
    if (service === null) {
      transport.avatar = undefined;
      transport.logoutFunction = null;
      logOut(logout);
      throw new ConchError("no such service");
    }
    restrict(transport, this.#progress.scope.permissions);
    named(transport, this.user!);
    this.#log("accepted");
    this.#progress.finish();
    try {
      transport.sendPacket(MSG_USERAUTH_SUCCESS, Buffer.alloc(0));
      transport.setService(service);
    } catch (error) {
      this.#broken(new Failure(error));
    }
  }

  /** What has succeeded is not enough, or must be changed; anything else is passed on. */
  _ebMaybeBadAuth(reason: Failure): Failure | null {
    if (reason.check(NotEnoughAuthentication)) {
      this.#log("partly accepted");
      this.#sendFailure(true);
      return null;
    }
    if (reason.check(PasswordChangeRequired) && this.portal.checkers.has(IUsernamePasswordChange)) {
      this.#log("refused", reason.getErrorMessage());
      const { prompt } = reason.value as PasswordChangeRequired;
      this.transport!.sendPacket(
        MSG_USERAUTH_PASSWD_CHANGEREQ,
        UserauthPasswdChangereq.encode({ prompt, language: "" }),
      );
      return null;
    }
    return reason;
  }

  /** A method failed, and the time to say so has come. */
  _ebBadAuth(reason: Failure): void {
    if (reason.check(IgnoreAuthentication)) return;
    const { inHand } = this.#progress;
    if (reason.check(ProtocolError)) {
      return void this.turnAway((reason.value as ProtocolError).message, DISCONNECT_PROTOCOL_ERROR);
    }
    if (!isAnswer(reason)) {
      log.failure("an authentication method broke: {checker}", reason, { checker: inHand?.checker ?? this.method });
    }
    if (this.method !== "none" && inHand?.isQuery !== true) {
      this.#log("refused", reason.getErrorMessage());
      this.#offended("login");
      if (++this.#progress.failures > this.attemptsBeforeDisconnect) return void this.turnAway("too many bad auths");
    } else if (inHand?.isQuery === true) {
      const { fingerprint, checker } = inHand;
      const fields = { key: fingerprint, checker, user: shown(this.user!), why: shown(reason.getErrorMessage()) };
      log.debug("a signature by key {key} would not do for user {user}: {why}", fields);
    }
    this.#sendFailure(false);
  }

  /** Takes a request in hand and sees it through to its answer. */
  #take(packet: Buffer): Deferred<null> {
    const progress = this.#progress;
    let request: ReturnType<typeof UserauthRequest.decode>;
    try {
      request = UserauthRequest.decode(packet);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      return this.turnAway(error.message, DISCONNECT_PROTOCOL_ERROR);
    }
    const legal = isUserName(request.user);
    const user = legal ? request.user.toString("utf8") : "";
    if (legal && user !== progress.user) {
      const transport = this.transport! as { userNamed?(user: string): unknown };
      watch(transport.userNamed?.(user), (error) => this.#broken(new Failure(error)));
    }
    progress.about(user, request.service, request.method);
    if (this.banner !== null && !progress.greeted) this.sendBanner(this.banner);
    progress.greeted = true;
    const attempt = (progress.inHand = new Attempt(request.method, this.clock.seconds()));
    const isLive = () => progress.inHand === attempt && progress.running && !progress.over;

    const tried = legal
      ? maybeDeferred(() => this.tryAuth(request.method, user, request.data))
      : fail(new UnauthorizedLogin("illegal user name"));
    return tried
      .addCallback((login: unknown) => (isLive() ? this._cbFinishedAuth(login) : this.#tooLate(attempt, login)))
      .addErrback((reason: Failure) => (isLive() ? this.#holdBack(attempt, reason) : this.#failedLate(attempt, reason)))
      .addErrback((reason: Failure) => (isLive() ? this._ebMaybeBadAuth(reason) : null))
      .addErrback((reason: Failure) => (isLive() ? this._ebBadAuth(reason) : null))
      .addErrback((reason: Failure) => this.#broken(reason))
      .addCallback(() => {
        if (progress.inHand === attempt) progress.inHand = null;
        this.#takeNext();
        return null;
      });
  }

  #takeNext(): void {
    const progress = this.#progress;
    if (progress.inHand !== null || !progress.running) return;
    const next = progress.waiting.shift();
    if (next === undefined) return;
    this.#take(next.packet).addBoth(() => {
      next.packet.fill(0);
      next.answered.callback(null);
    });
  }

  /** Keeps a failure until its answer is due, which is the same for all that fails (A12). */
  #holdBack(attempt: Attempt, reason: Failure): Failure | Deferred<never> {
    const delay = this.passwordDelay;
    if (attempt.method === "none" || delay <= 0 || reason.check(IgnoreAuthentication)) return reason;
    // To the next multiple of the delay, so that what the check took does not show either.
    const spent = Math.max(0, this.clock.seconds() - attempt.began);
    const due = attempt.began + delay * (Math.floor(spent / delay) + 1);
    const waited = new Deferred<never>();
    this.#progress.heldBack = new Appointment(due, () => {
      this.#progress.heldBack = null;
      waited.errback(reason);
    });
    this.#progress.heldBack.keep(this.clock);
    return waited;
  }

  /** Somebody whom a checker let in when nobody waited for it any more (A18). */
  #tooLate({ checker }: Attempt, login: unknown): void {
    log.warn("checker {checker} let somebody in whose request is gone", { checker });
    logOutOf(login);
  }

  /** A checker that refuses nobody any more is not worth a word; one that broke is. */
  #failedLate({ checker }: Attempt, reason: Failure): null {
    if (isAnswer(reason)) return null;
    log.failure("checker {checker} broke when the request was gone", reason, { checker });
    return null;
  }

  #offers(kind: string): boolean {
    if (kind === "none" && this.portal.listCredentialsInterfaces().includes(IAnonymous)) return true;
    return this.#methodsLeft().includes(kind === HOST_BOUND ? "publickey" : kind);
  }

  /** The methods that can go on from here: those that a checker can use in this login, as far as it has come. */
  #methodsLeft(): string[] {
    const kinds = stepsLeft(this.portal, this.#progress.scope);
    const methods = new Set(kinds.map((kind) => this.interfaceToMethod.get(kind)));
    return this.supportedAuthentications.filter((each) => methods.has(each));
  }

  /** The service that the request wants, made; null if there is none, or it is this one. */
  #nextServiceInstance(): TransportService | null {
    const name = this.nextService!;
    if (name === this.name) return null;
    try {
      const service = this.#factory.getService(this.transport!, name);
      return service ? made(service) : null;
    } catch (error) {
      log.failure("looking up a service failed", new Failure(error));
      return null;
    }
  }

  #timeOut(): void {
    const failed = (error: unknown): void => void this.#broken(new Failure(error));
    try {
      watch(this.timeoutAuthentication(), failed);
    } catch (error) {
      failed(error);
    }
  }

  #offended(offence: Offence): void {
    tell(log, "counting an offence", () => this.transport!.offended(offence));
  }

  /** `none` is never on the list, whoever may log in by it (RFC 4252 section 5.2). */
  #sendFailure(partialSuccess: boolean): void {
    const methods = this.#methodsLeft().filter((each) => each !== "none");
    const body = UserauthFailure.encode({ methods, partialSuccess });
    this.transport!.sendPacket(MSG_USERAUTH_FAILURE, body);
  }

  /** Our own failure while answering ends the connection. */
  #broken(reason: Failure): null {
    log.failure("user authentication broke", reason);
    this.#progress.finish();
    this.transport!.loseConnection();
    return null;
  }

  #log(outcome: "accepted" | "partly accepted" | "refused", why = ""): void {
    const { fingerprint = null, checker = null } = this.#progress.inHand ?? {};
    logLogin(
      { user: this.user!, method: this.method!, fingerprint, checker, transport: this.transport! },
      outcome,
      why,
    );
  }

  get #progress(): LoginProgress {
    return progressOf(this.transport!);
  }

  get #factory(): UserAuthFactory {
    return (this.transport as unknown as { factory: UserAuthFactory }).factory;
  }
}

/** Whether a method or its checker says no, or that more is due; whatever else it fails with, it broke. */
function isAnswer(reason: Failure): boolean {
  return reason.check(LoginFailed, ConchError, BadKeyError, IgnoreAuthentication, NotEnoughAuthentication) !== null;
}
