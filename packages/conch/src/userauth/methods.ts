/** The authentication methods of a server, and what they ask of the portal (RFC 4252 sections 5.2, 7, 8 and 9; RFC 4256). */
import {
  Anonymous,
  IUsernamePasswordChange,
  KeyboardInteractive,
  type Question,
  SSHHostBased,
  SSHPrivateKey,
  UsernamePassword,
  UsernamePasswordChange,
} from "@strombus/cred/credentials";
import { UnauthorizedLogin } from "@strombus/cred/error";
import type { Portal } from "@strombus/cred/portal";
import { type Deferred, fail, maybeDeferred, succeed } from "@strombus/reactor/defer";
import type { Failure } from "@strombus/reactor/failure";
import { ConchError, IgnoreAuthentication, NotEnoughAuthentication, ProtocolError, ValidPublicKey } from "../error.js";
import { IConchUser } from "../interfaces.js";
import { KeyboardInteractiveData, PasswordData, UserauthPkOk } from "../messages/userauth.js";
import { SSHService } from "../ssh/service.js";
import { DISCONNECT_NO_MORE_AUTH_METHODS_AVAILABLE } from "../transport/constants.js";
import { DEFAULT_USER_KEY_ALGORITHMS } from "../transport/algorithms.js";
import { Reader } from "../wire/reader.js";
import { Dialogue } from "./dialogue.js";
import { log } from "./events.js";
import { readHostBasedRequest, signedByHost } from "./hostbased.js";
import { keyFlaw } from "./key-rules.js";
import { checkerOf, logOutOf, passwordOf, withoutRealm } from "./login.js";
import { MSG_USERAUTH_INFO_REQUEST, MSG_USERAUTH_PK_OK } from "./numbers.js";
import { type Attempt, progressOf } from "./progress.js";
import { fingerprintOf, HOST_BOUND, type PublicKeyRequest, readPublicKeyRequest, signedData } from "./publickey.js";
import { noteScope } from "./scope.js";

/** A method `x-y` is done by `auth_x_y`, which gets the method's own part of the request. */
export abstract class AuthenticationMethods extends SSHService {
  /** Keys that a connection may ask about; the next question ends it. */
  maxKeyQueries = 15;
  /** Rounds of questions that a connection may have; the next one fails. */
  maxRounds = 8;
  /** Bytes of a password or of an answer. */
  maxPasswordLength = 1024;

  portal!: Portal;

  /** User of the current request. */
  get user(): string | null {
    return progressOf(this.transport!).user;
  }
  /** Service that the current request wants to start. */
  get nextService(): string | null {
    return progressOf(this.transport!).nextService;
  }

  /** `none`, which lets in whom an anonymous checker lets in (RFC 4252 section 5.2). */
  auth_none(data: Buffer): Deferred {
    if (data.length > 0) throw new ProtocolError("data in a request by none");
    return this.login(new Anonymous());
  }

  /**
   * RFC 4252 section 8. A change of the password logs nobody in: whoever registered a checker for it makes the change, and
   * then the new password is checked as any other is (A13).
   */
  auth_password(data: Buffer): Deferred {
    const { change, password, tail } = PasswordData.decode(data);
    if (!change && tail.length > 0) throw new ProtocolError("data after a password");
    const given = passwordOf(password, this.maxPasswordLength);
    if (!change) return this.login(new UsernamePassword(this.user!, given));
    const rest = new Reader(tail);
    const chosen = passwordOf(rest.string(), this.maxPasswordLength);
    rest.end();
    return this.#changePassword(given, chosen).addCallback(() => this.login(new UsernamePassword(this.user!, chosen)));
  }

  /** RFC 4252 section 7: with a signature a login, without one a question. The checker verifies the signature. */
  auth_publickey(data: Buffer): Deferred {
    return this.#publicKey(readPublicKeyRequest("publickey", data));
  }

  /** A `publickey` request whose signature also covers our host key (OpenSSH PROTOCOL section 3.1). */
  auth_publickey_hostbound_v00(data: Buffer): Deferred {
    const request = readPublicKeyRequest(HOST_BOUND, data);
    if (this.transport!.hostKeyBlob?.equals(request.hostKey!) !== true) throw new UnauthorizedLogin("not our host key");
    return this.#publicKey(request);
  }

  /** RFC 4256: whoever checks the credentials asks the user through them. */
  auth_keyboard_interactive(data: Buffer): Deferred {
    KeyboardInteractiveData.decode(data);
    const attempt = progressOf(this.transport!).inHand;
    const ask = (questions: readonly Question[], instruction: string, name: string): Deferred<string[]> =>
      this.#ask(attempt, name, instruction, questions);
    return this.login(new KeyboardInteractive(this.user!, ask));
  }

  /** RFC 4252 section 9. The checker verifies the signature, and whether that host may speak for the user. */
  auth_hostbased(data: Buffer): Deferred {
    const request = readHostBasedRequest(data);
    const { algorithm, blob, hostname, clientUsername, signature } = request;
    const attempt = progressOf(this.transport!).inHand;
    if (attempt !== null) attempt.fingerprint = fingerprintOf(blob);
    this.#judge(algorithm, blob, signature);
    const signed = signedByHost(this.transport!.sessionID!, this.user!, this.nextService!, request);
    return this.login(new SSHHostBased(this.user!, algorithm, blob, hostname, clientUsername, signed, signature));
  }

  /** Logs in with credentials of the current request; for the methods of subclasses too. */
  protected login(credentials: object): Deferred {
    const { scope, inHand } = progressOf(this.transport!);
    if (inHand !== null) inHand.checker = checkerOf(this.portal, credentials);
    noteScope(credentials, scope, this.transport!);
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
   * Asks the user (RFC 4256 section 3.2), from within an authentication method of a subclass, which logs in with what it
   * gives.
   *
   * @param prompts each with whether the answer may be shown
   * @returns as many answers as prompts; fails when they do not fit or there were too many rounds, and a request that
   *   comes instead of the answers ends the attempt
   */
  protected sendInfoRequest(name: string, instruction: string, prompts: readonly Question[]): Deferred<string[]> {
    return this.#ask(progressOf(this.transport!).inHand, name, instruction, prompts);
  }

  /** Ends the connection: whatever still comes changes nothing. */
  protected turnAway(description: string, reason = DISCONNECT_NO_MORE_AUTH_METHODS_AVAILABLE): Deferred<null> {
    progressOf(this.transport!).finish();
    this.transport!.sendDisconnect(reason, description);
    return succeed(null);
  }

  /** Only for the request that is still in hand: a checker may ask when its user has long gone on. */
  #ask(attempt: Attempt | null, name: string, instruction: string, prompts: readonly Question[]): Deferred<string[]> {
    const progress = progressOf(this.transport!);
    if (attempt === null || progress.inHand !== attempt || progress.over || !progress.running) {
      return fail(new ConchError("nobody to ask: the request is not in hand"));
    }
    if (attempt.dialogue !== null) return fail(new ConchError("a question is open already"));
    if (progress.waiting.length > 0) return fail(new ConchError("the client went on without answering"));
    if (++progress.rounds > this.maxRounds) return fail(new ConchError("too many rounds of questions"));
    const dialogue = (attempt.dialogue = new Dialogue(prompts, this.maxPasswordLength));
    this.transport!.sendPacket(MSG_USERAUTH_INFO_REQUEST, dialogue.encode(name, instruction));
    return dialogue.answers;
  }

  #changePassword(password: string, chosen: string): Deferred {
    const checker = this.portal.checkers.get(IUsernamePasswordChange);
    if (checker === undefined) throw new ConchError("password changes are not supported");
    const credentials = new UsernamePasswordChange(this.user!, password, chosen);
    const { scope, inHand } = progressOf(this.transport!);
    if (inHand !== null) inHand.checker = checkerOf(this.portal, credentials);
    noteScope(credentials, scope, this.transport!);
    return maybeDeferred(() => checker.requestAvatarId(credentials)).addCallback((avatarId: unknown) => {
      if (typeof avatarId === "string") return;
      log.error("checker {checker} answered by what is no avatar id", { checker: checker.constructor.name });
      throw new UnauthorizedLogin(`the answer of ${checker.constructor.name} is not an avatar id`);
    });
  }

  #publicKey(request: PublicKeyRequest): Deferred {
    const { algorithm, blob, signature } = request;
    const progress = progressOf(this.transport!);
    const attempt = progress.inHand;
    if (attempt !== null) attempt.fingerprint = fingerprintOf(blob);
    if (signature === null) {
      if (attempt !== null) attempt.isQuery = true;
      if (++progress.keyQueries > this.maxKeyQueries) {
        void this.turnAway("too many keys");
        throw new IgnoreAuthentication();
      }
    }
    this.#judge(algorithm, blob, signature);
    if (signature === null) return this.#queryKey(request);
    const data = signedData(this.transport!.sessionID!, this.user!, this.nextService!, request);
    return this.login(new SSHPrivateKey(this.user!, algorithm, blob, data, signature));
  }

  /** Would a signature by this key do? A question never logs in, whatever a checker says, and asks no realm (A5). */
  #queryKey(request: PublicKeyRequest): Deferred<never> {
    const { algorithm, blob } = request;
    const credentials = new SSHPrivateKey(this.user!, algorithm, blob, null, null);
    const { scope, inHand } = progressOf(this.transport!);
    if (inHand !== null) inHand.checker = checkerOf(this.portal, credentials);
    noteScope(credentials, scope, this.transport!);
    return withoutRealm(this.portal, inHand?.checker ?? null)
      .login(credentials, null, IConchUser)
      .addErrback((reason: Failure) => {
        if (reason.check(NotEnoughAuthentication)) throw new UnauthorizedLogin("a question is no step of a login");
        reason.trap(ValidPublicKey);
        const progress = progressOf(this.transport!);
        const isLive = (inHand === null || progress.inHand === inHand) && progress.running;
        if (isLive) this.transport!.sendPacket(MSG_USERAUTH_PK_OK, UserauthPkOk.encode({ algorithm, blob }));
        throw new IgnoreAuthentication();
      }) as Deferred<never>;
  }

  /** Before any checker is asked. The list is the one that was sent as `server-sig-algs`. */
  #judge(algorithm: string, blob: Buffer, signature: Buffer | null): void {
    const { supportedUserKeyAlgorithms } = this.transport as { supportedUserKeyAlgorithms?: readonly string[] };
    const flaw = keyFlaw(algorithm, blob, signature, supportedUserKeyAlgorithms ?? DEFAULT_USER_KEY_ALGORITHMS);
    if (flaw !== null) throw new UnauthorizedLogin(`${flaw} (${algorithm.slice(0, 64)})`);
  }
}
