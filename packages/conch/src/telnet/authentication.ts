/** A login by name and password, in the clear. */
import { UsernamePassword } from "@strombus/cred/credentials";
import { UnauthorizedLogin } from "@strombus/cred/error";
import type { Portal, PortalLogin } from "@strombus/cred/portal";
import { reactor } from "@strombus/reactor";
import type { Deferred } from "@strombus/reactor/defer";
import { AssertionError } from "@strombus/reactor/exceptions";
import { Failure } from "@strombus/reactor/failure";
import type { IDelayedCall, MaybeAsync } from "@strombus/reactor/interfaces";
import { Logger } from "@strombus/reactor/logger";
import { connectionDone } from "@strombus/reactor/protocol";
import { settle } from "../channel/later.js";
import { peerLog } from "../peer-log.js";
import { ECHO } from "./constants.js";
import { NegotiationError } from "./errors.js";
import { ITelnetProtocol } from "./interfaces.js";
import { StatefulTelnetProtocol } from "./stateful.js";

const log = new Logger({ namespace: "strombus.conch.telnet" });

/**
 * Asks for a name and a password until the portal lets the user in; the avatar, an ITelnetProtocol, then has the
 * connection. Lines that come while the portal thinks are dropped.
 */
export class AuthenticatingTelnetProtocol extends StatefulTelnetProtocol {
  override state = "User";
  override MAX_LENGTH = 1024;
  /** So many failures end the connection. */
  maxAttempts = 3;
  /** Seconds from the first prompt, after which a connection without a login ends; 0 is no limit. */
  loginTimeout = 120;
  /** Seconds that a client has for the answer about ECHO, before the login goes on without. */
  echoTimeout = 5;
  /** The avatar, after the login. */
  protocol: ITelnetProtocol | null = null;
  /** What the portal gave for the end of the user's stay; called when the connection is lost. */
  logout: (() => MaybeAsync) | null = null;
  #username = "";
  #failures = 0;
  /** The connection is lost, or has been told to end: nobody comes in any more. */
  #isOver = false;
  #deadline: IDelayedCall | null = null;

  constructor(readonly portal: Portal) {
    super();
  }

  override connectionMade(): MaybeAsync {
    if (this.loginTimeout > 0) this.#deadline = this.callLater(this.loginTimeout, () => this.#timeIsOver());
    this.transport!.write("Username: ");
  }

  override connectionLost(reason: Failure = connectionDone): MaybeAsync {
    this.#isOver = true;
    this.#cancelDeadline();
  }

  telnet_User(line: Buffer): string {
    this.#username = edited(line);
    this.transport!.will(ECHO).addCallbacks(
      () => this.#hidden(),
      () => {}, // whoever shows passwords cannot be helped
    );
    this.transport!.write("Password: ");
    return "Password";
  }

  telnet_Password(line: Buffer): void {
    const credentials = new UsernamePassword(this.#username, edited(line));
    this.state = "Discard";
    this.#whenAnswered(this.transport!.wont(ECHO), () => this.#login(credentials));
  }

  /** The clock. */
  callLater(seconds: number, call: () => void): IDelayedCall {
    return reactor.callLater(seconds, call);
  }

  /** The client shows nothing any more; if the password is there already, it shall go on showing. */
  #hidden(): void {
    if (this.state === "User" && !this.#isOver) this.transport!.wont(ECHO).addErrback(() => {});
  }

  /** Whatever the answer is, and also without one. */
  #whenAnswered(asked: Deferred<true>, next: () => void): void {
    let isWaiting = true;
    const patience = this.callLater(this.echoTimeout, () => go());
    const go = () => {
      if (!isWaiting) return;
      isWaiting = false;
      if (patience.active()) patience.cancel();
      if (!this.#isOver) next();
    };
    asked.addCallbacks(go, (failure: Failure) => {
      if (failure.check(NegotiationError) === null) this.#isOver = true; // it is lost, and we hear of it next
      go();
    });
  }

  #login(credentials: UsernamePassword): void {
    this.portal
      .login(credentials, null, ITelnetProtocol)
      .addCallbacks(
        (login) => this.#loggedIn(login),
        (failure: Failure) => this.#refused(failure),
      )
      .addErrback((failure: Failure) => this.#failed(failure));
  }

  #loggedIn([iface, avatar, logout]: PortalLogin): void {
    if (this.#isOver) return over(logout);
    this.#cancelDeadline();
    this.logout = logout;
    const { transport } = this;
    transport!.atEnd(logout);
    if (iface !== ITelnetProtocol || !ITelnetProtocol.providedBy(avatar)) {
      throw new AssertionError("the realm's avatar is no ITelnetProtocol");
    }
    log.info("user {user} logged in by telnet from {peer}", {
      user: this.#username,
      peer: String(transport!.getPeer()),
    });
    this.clearLineBuffer();
    this.state = "Command";
    this.protocol = avatar;
    (transport as { protocol?: ITelnetProtocol | null }).protocol = avatar;
    settle(
      () => avatar.makeConnection(transport!),
      () => {},
      (error) => this.#failed(new Failure(error)),
    );
  }

  #refused(failure: Failure): void {
    if (failure.check(UnauthorizedLogin) === null) log.failure("a login by telnet failed", failure);
    if (this.#isOver) return;
    const from = { user: this.#username, peer: String(this.transport!.getPeer()) };
    peerLog(log, this.transport).info("user {user} was not let in by telnet from {peer}", from);
    this.transport!.write("\nAuthentication failed\n");
    this.#failures += 1;
    if (this.#failures >= this.maxAttempts) return this.transport!.loseConnection();
    this.state = "User";
    this.transport!.write("Username: ");
  }

  /** Of a user who is in, nothing works. */
  #failed(failure: Failure): void {
    log.failure("an avatar could not be given its telnet connection", failure);
    this.transport!.loseConnection();
  }

  #timeIsOver(): void {
    this.#isOver = true;
    const peer = String(this.transport!.getPeer());
    log.info("nobody has logged in by telnet from {peer} in {seconds} seconds", { peer, seconds: this.loginTimeout });
    this.transport!.loseConnection();
  }

  #cancelDeadline(): void {
    if (this.#deadline?.active() === true) this.#deadline.cancel();
    this.#deadline = null;
  }
}

function over(logout: () => MaybeAsync): void {
  settle(
    logout,
    () => {},
    (error) => log.failure("a logout failed", new Failure(error)),
  );
}

/** The line, as whoever typed it sees it: clients that send each key leave the erasing to us. */
function edited(line: Buffer): string {
  const typed: string[] = [];
  for (const ch of line.toString()) {
    if (ch === "\b" || ch === "\x7f") typed.pop();
    else if (ch === "\x15") typed.length = 0;
    else typed.push(ch);
  }
  return typed.join("");
}
