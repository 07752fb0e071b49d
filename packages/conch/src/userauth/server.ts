/** The server's side of user authentication (RFC 4252). */
import { isUtf8 } from "node:buffer";
import {
  Anonymous,
  IAnonymous,
  ISSHPrivateKey,
  IUsernamePassword,
  SSHPrivateKey,
  UsernamePassword,
} from "@strombus/cred/credentials";
import { LoginFailed, UnauthorizedLogin } from "@strombus/cred/error";
import type { Portal } from "@strombus/cred/portal";
import { reactor } from "@strombus/reactor";
import type { InterfaceToken } from "@strombus/reactor/components";
import { Deferred, fail, maybeDeferred, succeed } from "@strombus/reactor/defer";
import { Failure } from "@strombus/reactor/failure";
import type { IReactorTime } from "@strombus/reactor/interfaces";
import { ConchError, IgnoreAuthentication, NotEnoughAuthentication, ProtocolError, ValidPublicKey } from "../error.js";
import { IConchUser } from "../interfaces.js";
import { PasswordData, UserauthFailure, UserauthPkOk, UserauthRequest } from "../messages/userauth.js";
import { restrict } from "../permissions.js";
import { namedMethod, SSHService } from "../ssh/service.js";
import {
  DISCONNECT_NO_MORE_AUTH_METHODS_AVAILABLE,
  DISCONNECT_PROTOCOL_ERROR,
  type SSHTransportBase,
  type TransportService,
} from "../ssh/transport.js";
import { DEFAULT_USER_KEY_ALGORITHMS } from "../transport/algorithms.js";
import { Dialogue, type Prompt } from "./dialogue.js";
import { log, logLogin } from "./events.js";
import { keyFlaw } from "./key-rules.js";
import { isUserName, logOut, loginOf, logOutOf, type UserAuthFactory, withoutRealm } from "./login.js";
import {
  MSG_USERAUTH_FAILURE,
  MSG_USERAUTH_INFO_REQUEST,
  MSG_USERAUTH_PK_OK,
  MSG_USERAUTH_SUCCESS,
  protocolMessages,
} from "./numbers.js";
import { Appointment, Attempt, type LoginProgress, progressOf } from "./progress.js";
import { fingerprintOf, HOST_BOUND, type PublicKeyRequest, readPublicKeyRequest, signedData } from "./publickey.js";
import { noteScope } from "./scope.js";

/**
 * The service `ssh-userauth` of a server. A method `x-y` is offered when the portal checks an interface that
 * {@link interfaceToMethod} maps to it, and is done by `auth_x_y`; a subclass adds one by adding both.
 */
export class SSHUserAuthServer extends SSHService {
  override name = "ssh-userauth";
  override protocolMessages = protocolMessages;

  /** Seconds from the first start of the service on a connection until it is ended. */
  loginTimeout = 120;
  /** Failures that a connection may have; the next one ends it. */
  attemptsBeforeDisconnect = 6;
  /** Seconds that a failure takes at least, whatever failed: its answer waits for the next multiple. */
  passwordDelay = 0.25;
  /** Keys that a connection may ask about; the next question ends it. */
  maxKeyQueries = 15;
  /** Rounds of questions that a connection may have; the next one fails. */
  maxRounds = 8;
  /** Requests that a connection may send; the next one ends it. */
  maxRequests = 128;
  /** Requests that may wait for the one in hand; the next one ends the connection. */
  maxWaiting = 16;
  /** Bytes of a password or of an answer. */
  maxPasswordLength = 1024;
  clock: IReactorTime = reactor;
  interfaceToMethod = new Map<InterfaceToken, string>([
    [ISSHPrivateKey, "publickey"],
    [IUsernamePassword, "password"],
  ]);

  portal!: Portal;
  /** The methods offered, in the order in which the portal's checkers were registered. */
  supportedAuthentications: string[] = [];

  /** Failures so far on this connection. */
  get loginAttempts(): number {
    return this.#progress.failures;
  }
  /** User of the current request. */
  get user(): string | null {
    return this.#progress.user;
  }
  /** Service that the current request wants to start. */
  get nextService(): string | null {
    return this.#progress.nextService;
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
    const clear = !this.#transport.isEncrypted("in"); // a password is not taken in the clear
    this.supportedAuthentications = [...new Set(methods)].filter((method) => !(clear && method === "password"));

    const progress = this.#progress;
    if (progress.over) return;
    progress.deadline ??= new Appointment(this.clock.seconds() + this.loginTimeout, () => this.timeoutAuthentication());
    progress.resume(this.clock);
  }

  override serviceStopped(): void {
    this.#progress.suspend();
  }

  /** The time to log in is over. */
  timeoutAuthentication(): void {
    this.#transport.offended("timeout");
    this.#turnAway("you took too long");
  }

  /**
   * One request. It fires when the request was answered, or dropped because its time had passed. One is in hand at a
   * time; those that come meanwhile wait, each for its own delay, so that sending ahead buys no guesses (A3).
   */
  ssh_USERAUTH_REQUEST(packet: Buffer): Deferred<null> {
    const progress = this.#progress;
    if (progress.over) return succeed(null);
    if (++progress.requests > this.maxRequests) return this.#turnAway("too many requests");
    // A new request ends an open dialogue, which gets no answer (RFC 4252 section 5).
    if (progress.inHand?.dialogue) this.#abandon(progress.inHand);
    if (progress.inHand === null) return this.#take(packet);
    if (progress.waiting.length >= this.maxWaiting) return this.#turnAway("too many requests at once");
    const answered = new Deferred<null>();
    progress.waiting.push({ packet: Buffer.from(packet), answered });
    return answered;
  }

  /** The answers to our questions, which are taken once. */
  ssh_USERAUTH_INFO_RESPONSE(packet: Buffer): void {
    const attempt = this.#progress.inHand;
    if (this.#progress.over) return;
    const dialogue = attempt?.dialogue;
    if (!attempt || !dialogue) return void this.#turnAway("answers without a question", DISCONNECT_PROTOCOL_ERROR);
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
    if (handler === null) return fail(new ConchError("unsupported authentication, failing"));
    const result = maybeDeferred(() => handler(data));
    return result.addCallback((login) => {
      if (!login) throw new ConchError(`the method ${kind} gave nothing`);
      return login;
    });
  }

  /** `none`, which lets in whom an anonymous checker lets in (RFC 4252 section 5.2). */
  auth_none(data: Buffer): Deferred {
    if (data.length > 0) throw new ProtocolError("data in a request by none");
    return this.login(new Anonymous());
  }

  /** RFC 4252 section 8. Passwords are not changed here: a request for that fails. */
  auth_password(data: Buffer): Deferred {
    const { change, password, tail } = PasswordData.decode(data);
    if (change) throw new ConchError("password changes are not supported");
    if (tail.length > 0) throw new ProtocolError("data after a password");
    if (password.length > this.maxPasswordLength) throw new UnauthorizedLogin("password too long");
    if (!isUtf8(password)) throw new UnauthorizedLogin("password that is not UTF-8");
    return this.login(new UsernamePassword(this.user!, password.toString("utf8")));
  }

  /** RFC 4252 section 7: with a signature a login, without one a question. The checker verifies the signature. */
  auth_publickey(data: Buffer): Deferred {
    return this.#publicKey(readPublicKeyRequest("publickey", data));
  }

  /** A `publickey` request whose signature also covers our host key (OpenSSH PROTOCOL section 3.1). */
  auth_publickey_hostbound_v00(data: Buffer): Deferred {
    const request = readPublicKeyRequest(HOST_BOUND, data);
    if (this.#transport.hostKeyBlob?.equals(request.hostKey!) !== true) throw new UnauthorizedLogin("not our host key");
    return this.#publicKey(request);
  }

  /** Logs in with credentials of the current request; for the methods of subclasses too. */
  protected login(credentials: object): Deferred {
    const { scope } = this.#progress;
    noteScope(credentials, scope, this.#transport);
    return this.portal.login(credentials, null, IConchUser).addCallbacks(
      (login) => {
        try {
          scope.accepted(credentials);
        } catch (error) {
          logOutOf(login);
          throw error;
        }
        return login;
      },
      (reason: Failure) => {
        if (reason.check(NotEnoughAuthentication)) scope.accepted(credentials);
        return reason;
      },
    );
  }

  /**
   * Asks the user (RFC 4256 section 3.2), from within an authentication method: `auth_keyboard_interactive` of a subclass
   * calls it, and logs in with what it gives.
   *
   * @param prompts each with whether the answer may be shown
   * @returns as many answers as prompts; fails when they do not fit or there were too many rounds, and a request that
   *   comes instead of the answers ends the attempt
   */
  protected sendInfoRequest(name: string, instruction: string, prompts: readonly Prompt[]): Deferred<string[]> {
    const progress = this.#progress;
    if (progress.inHand === null) return fail(new ConchError("nobody to ask: no request is in hand"));
    if (progress.waiting.length > 0) return fail(new ConchError("the client went on without answering"));
    if (++progress.rounds > this.maxRounds) return fail(new ConchError("too many rounds of questions"));
    const dialogue = (progress.inHand.dialogue = new Dialogue(prompts, this.maxPasswordLength));
    this.#transport.sendPacket(MSG_USERAUTH_INFO_REQUEST, dialogue.encode(name, instruction));
    return dialogue.answers;
  }

  /** A method succeeded: the user is in, if the service asked for is one that we run. */
  _cbFinishedAuth(result: unknown): void {
    const transport = this.#transport;
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
    this.#log("accepted");
    this.#progress.finish();
    try {
      transport.sendPacket(MSG_USERAUTH_SUCCESS, Buffer.alloc(0));
      transport.setService(service);
    } catch (error) {
      this.#broken(new Failure(error));
    }
  }

  /** What has succeeded is not enough; anything else is passed on. */
  _ebMaybeBadAuth(reason: Failure): Failure | null {
    if (!reason.check(NotEnoughAuthentication)) return reason;
    this.#log("partly accepted");
    this.#sendFailure(true);
    return null;
  }

  /** A method failed, and the time to say so has come. */
  _ebBadAuth(reason: Failure): void {
    if (reason.check(IgnoreAuthentication)) return;
    const { inHand } = this.#progress;
    if (reason.check(ProtocolError)) {
      return void this.#turnAway((reason.value as ProtocolError).message, DISCONNECT_PROTOCOL_ERROR);
    }
    if (this.method !== "none" && inHand?.isQuery !== true) {
      if (!reason.check(LoginFailed, ConchError)) log.failure("an authentication method broke", reason);
      this.#log("refused", reason.getErrorMessage());
      this.#transport.offended("login");
      if (++this.#progress.failures > this.attemptsBeforeDisconnect) return void this.#turnAway("too many bad auths");
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
      return this.#turnAway(error.message, DISCONNECT_PROTOCOL_ERROR);
    }
    const legal = isUserName(request.user);
    const user = legal ? request.user.toString("utf8") : "";
    if (legal && user !== progress.user) (this.#transport as { userNamed?(user: string): void }).userNamed?.(user);
    progress.about(user, request.service, request.method);
    const attempt = (progress.inHand = new Attempt(request.method, this.clock.seconds()));
    const isLive = () => progress.inHand === attempt && progress.running && !progress.over;

    const tried = legal
      ? maybeDeferred(() => this.tryAuth(request.method, user, request.data))
      : fail(new UnauthorizedLogin("illegal user name"));
    return tried
      .addCallback((login: unknown) => (isLive() ? this._cbFinishedAuth(login) : logOutOf(login)))
      .addErrback((reason: Failure) => (isLive() ? this.#holdBack(attempt, reason) : null))
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

  #publicKey(request: PublicKeyRequest): Deferred {
    const { algorithm, blob, signature } = request;
    const attempt = this.#progress.inHand;
    if (attempt !== null) attempt.fingerprint = fingerprintOf(blob);
    if (signature === null) {
      if (attempt !== null) attempt.isQuery = true;
      if (++this.#progress.keyQueries > this.maxKeyQueries) {
        this.#turnAway("too many keys");
        throw new IgnoreAuthentication();
      }
    }
    const flaw = keyFlaw(algorithm, blob, signature, this.#allowedAlgorithms);
    if (flaw !== null) throw new UnauthorizedLogin(`${flaw} (${algorithm.slice(0, 64)})`);
    if (signature === null) return this.#ask(request);
    const data = signedData(this.#transport.sessionID!, this.user!, this.nextService!, request);
    return this.login(new SSHPrivateKey(this.user!, algorithm, blob, data, signature));
  }

  /** Would a signature by this key do? A question never logs in, whatever a checker says, and asks no realm (A5). */
  #ask(request: PublicKeyRequest): Deferred<never> {
    const { algorithm, blob } = request;
    const credentials = new SSHPrivateKey(this.user!, algorithm, blob, null, null);
    noteScope(credentials, this.#progress.scope, this.#transport);
    return withoutRealm(this.portal)
      .login(credentials, null, IConchUser)
      .addErrback((reason: Failure) => {
        reason.trap(ValidPublicKey);
        this.#transport.sendPacket(MSG_USERAUTH_PK_OK, UserauthPkOk.encode({ algorithm, blob }));
        throw new IgnoreAuthentication();
      }) as Deferred<never>;
  }

  #offers(kind: string): boolean {
    if (kind === "none") return this.portal.listCredentialsInterfaces().includes(IAnonymous);
    return this.supportedAuthentications.includes(kind === HOST_BOUND ? "publickey" : kind);
  }

  /** The service that the request wants, made; null if there is none, or it is this one. */
  #nextServiceInstance(): TransportService | null {
    const name = this.nextService!;
    if (name === this.name) return null;
    try {
      const service = this.#factory.getService(this.#transport, name);
      return service ? new service() : null;
    } catch (error) {
      log.failure("looking up a service failed", new Failure(error));
      return null;
    }
  }

  #abandon(attempt: Attempt): void {
    const { dialogue } = attempt;
    attempt.dialogue = null;
    this.#progress.inHand = null;
    dialogue?.answers.errback(new ConchError("the client went on without answering"));
  }

  #sendFailure(partialSuccess: boolean): void {
    const body = UserauthFailure.encode({ methods: this.supportedAuthentications, partialSuccess });
    this.#transport.sendPacket(MSG_USERAUTH_FAILURE, body);
  }

  #turnAway(description: string, reason = DISCONNECT_NO_MORE_AUTH_METHODS_AVAILABLE): Deferred<null> {
    this.#progress.finish();
    this.#transport.sendDisconnect(reason, description);
    return succeed(null);
  }

  /** Our own failure while answering ends the connection. */
  #broken(reason: Failure): null {
    log.failure("user authentication broke", reason);
    this.#progress.finish();
    this.#transport.loseConnection();
    return null;
  }

  #log(outcome: "accepted" | "partly accepted" | "refused", why = ""): void {
    const fingerprint = this.#progress.inHand?.fingerprint ?? null;
    logLogin({ user: this.user!, method: this.method!, fingerprint, transport: this.#transport }, outcome, why);
  }

  get #transport(): SSHTransportBase {
    return this.transport!;
  }

  get #progress(): LoginProgress {
    return progressOf(this.transport!);
  }

  get #factory(): UserAuthFactory {
    return (this.#transport as unknown as { factory: UserAuthFactory }).factory;
  }

  /** Those that were sent as `server-sig-algs`. */
  get #allowedAlgorithms(): readonly string[] {
    const { supportedUserKeyAlgorithms } = this.#transport as { supportedUserKeyAlgorithms?: readonly string[] };
    return supportedUserKeyAlgorithms ?? DEFAULT_USER_KEY_ALGORITHMS;
  }
}
