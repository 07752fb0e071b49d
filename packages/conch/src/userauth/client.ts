/** The client's side of user authentication (RFC 4252). */
import type { Deferred } from "@strombus/reactor/defer";
import { fail, maybeDeferred, succeed } from "@strombus/reactor/defer";
import { NotImplementedError } from "@strombus/reactor/exceptions";
import type { Failure } from "@strombus/reactor/failure";
import {
  KeyboardInteractiveData,
  PasswordData,
  PublicKeyData,
  UserauthBanner,
  UserauthFailure,
  UserauthInfoRequest,
  UserauthInfoResponse,
  UserauthPasswdChangereq,
  UserauthPkOk,
  UserauthRequest,
} from "../messages/userauth.js";
import type { Key } from "../ssh/keys.js";
import { namedMethod, SSHService } from "../ssh/service.js";
import {
  DISCONNECT_NO_MORE_AUTH_METHODS_AVAILABLE,
  DISCONNECT_PROTOCOL_ERROR,
  type SSHTransportBase,
  type TransportService,
} from "../ssh/transport.js";
import { Reader } from "../wire/reader.js";
import { type BytesLike, toBuffer, Writer } from "../wire/writer.js";
import { log, shown } from "./events.js";
import { MSG_USERAUTH_INFO_RESPONSE, MSG_USERAUTH_REQUEST, protocolMessages } from "./numbers.js";
import { signedData } from "./publickey.js";

/** A value, or a Promise or Deferred of it. */
type Awaitable<T> = T | PromiseLike<T> | Deferred<T>;

/** The key that we last asked about, and the algorithm by which it would sign. */
interface KeyQuery {
  readonly key: Key;
  readonly algorithm: string;
  readonly blob: Buffer;
}

/**
 * The service `ssh-userauth` of a client: logs `user` in, then starts `instance`, normally an SSHConnection. A subclass
 * gives the secrets through the `get...` methods, and may add a method `x-y` by an `auth_x_y`.
 */
export class SSHUserAuthClient extends SSHService {
  override name = "ssh-userauth";
  override protocolMessages = protocolMessages;

  /** Methods in the order in which they are tried; others come after them. */
  preferredOrder: string[] = ["publickey", "password", "keyboard-interactive"];
  /** Sign by RSA with SHA-1 when the server names nothing better. */
  allowSHA1Signatures = false;
  /** Be content with a server that lets us in for nothing. */
  acceptUnprovenLogin = true;

  readonly user: string;
  readonly instance: TransportService;
  /** Methods that succeeded in part. */
  authenticatedWith: string[] = [];
  triedPublicKeys: Key[] = [];
  lastPublicKey: Key | null = null;
  /** Method of the last request. */
  lastAuth: string | null = null;

  /** A request is out, and neither SUCCESS nor FAILURE has come. */
  #awaiting = false;
  #query: KeyQuery | null = null;
  /** Methods that the user could not or would not do. */
  #givenUp = new Set<string>();
  #running = false;

  constructor(user: BytesLike, instance: TransportService) {
    super();
    this.user = toBuffer(user).toString("utf8");
    this.instance = instance;
  }

  override serviceStarted(): void {
    this.authenticatedWith = [];
    this.triedPublicKeys = [];
    this.lastPublicKey = null;
    this.#givenUp.clear();
    this.#running = true;
    this.askForAuth("none", "");
  }

  override serviceStopped(): void {
    this.#running = false;
  }

  /** Sends a request; `extraData` is the method's own part of it. */
  askForAuth(kind: string, extraData: BytesLike): void {
    if (!this.#running) return; // the answer of a user who took longer than the connection lasted
    this.lastAuth = kind;
    this.#awaiting = true;
    const { user, instance } = this;
    const fields = { user, service: instance.name!, method: kind, data: toBuffer(extraData) };
    this.#transport.sendPacket(MSG_USERAUTH_REQUEST, UserauthRequest.encode(fields));
  }

  /** Starts a method; truthy, or a Deferred of it, when it did. Null for one that we do not have. */
  tryAuth(kind: string): unknown {
    return namedMethod(this, `auth_${kind.replaceAll("-", "_")}`)?.() ?? null;
  }

  ssh_USERAUTH_SUCCESS(packet: Buffer): void {
    const unproven = this.lastAuth === "none" && this.authenticatedWith.length === 0;
    if (packet.length > 0 || !this.#awaiting) return void this.#refuse("a success that nobody asked for");
    if (unproven && !this.acceptUnprovenLogin) return void this.#refuse("let in without any proof");
    this.#awaiting = false;
    this.#transport.setService(this.instance);
  }

  /** Goes on with the best method that is left; fires when one was started, or none is left. */
  ssh_USERAUTH_FAILURE(packet: Buffer): Deferred<null> | null {
    if (!this.#awaiting) return this.#refuse("a failure of nothing");
    const { methods, partialSuccess } = UserauthFailure.decode(packet);
    this.#awaiting = false;
    this.#query = null;
    if (partialSuccess && this.lastAuth !== null) this.authenticatedWith.push(this.lastAuth);
    const left = methods.filter((method) => !this.authenticatedWith.includes(method) && !this.#givenUp.has(method));
    const place = (method: string) => (this.preferredOrder.indexOf(method) + 1 || Infinity) - 1;
    return this.#tryEach(left.sort((a, b) => compare(place(a), place(b))));
  }

  /** Number 60, whose meaning depends on the method of the last request. */
  ssh_USERAUTH_PK_OK(packet: Buffer): unknown {
    const method = namedMethod(this, `ssh_USERAUTH_PK_OK_${(this.lastAuth ?? "").replaceAll("-", "_")}`);
    if (!this.#awaiting) return this.#refuse("a question while another is open");
    this.#awaiting = false; // until we have answered
    if (method !== null) return method(packet);
    this.askForAuth("none", "");
    return null;
  }

  /** The server takes our key: sign. */
  ssh_USERAUTH_PK_OK_publickey(packet: Buffer): Deferred<null> | null {
    const { algorithm, blob } = UserauthPkOk.decode(packet);
    const query = this.#query;
    if (algorithm !== query?.algorithm || !blob.equals(query.blob)) {
      return this.#refuse("a key that we did not ask about");
    }
    this.#query = null;
    const request = { method: "publickey", flag: 1, algorithm, blob: query.blob, hostKey: null };
    const data = signedData(this.#transport.sessionID!, this.user, this.instance.name!, request);
    const signing = this.#attempt(() => this.signData(query.key, data, algorithm));
    return this.#goOn(null, signing, (signature: Uint8Array) => {
      if (nameOf(signature) !== algorithm) throw new TypeError(`the signature is not by ${algorithm}`);
      const tail = new Writer();
      tail.string(signature);
      const fields = { hasSignature: 1, algorithm, blob: query.blob, tail: tail.payload() };
      this.askForAuth("publickey", PublicKeyData.encode(fields));
    });
  }

  /** The server wants the password changed (RFC 4252 section 8). */
  ssh_USERAUTH_PK_OK_password(packet: Buffer): Deferred<null> | null {
    const { prompt } = UserauthPasswdChangereq.decode(packet);
    const asking = this.#attempt(() => this.getPassword("Old Password: "));
    return this.#goOn("password", asking, (old: string) => {
      const changing = this.#attempt(() => this.getPassword(prompt));
      return this.#goOn("password", changing, (chosen: string) => {
        const tail = new Writer();
        tail.string(chosen);
        const body = PasswordData.encode({ change: true, password: old, tail: tail.payload() });
        body[0] = 0xff; // what Twisted sends for true
        this.askForAuth("password", body);
      });
    });
  }

  /** The server asks (RFC 4256 section 3.2). */
  ssh_USERAUTH_PK_OK_keyboard_interactive(packet: Buffer): Deferred<null> | null {
    const { name, instruction, prompts } = UserauthInfoRequest.decode(packet);
    const questions = prompts.map(({ prompt, echo }): [string, boolean] => [prompt, echo]);
    const asking = this.#attempt(() => this.getGenericAnswers(name, instruction, questions));
    return this.#goOn("keyboard-interactive", asking, (answers: readonly string[]) => {
      if (!this.#running) return;
      const body = UserauthInfoResponse.encode({ answers: answers.map((answer) => ({ answer })) });
      this.#awaiting = true;
      this.#transport.sendPacket(MSG_USERAUTH_INFO_RESPONSE, body);
    });
  }

  ssh_USERAUTH_BANNER(packet: Buffer): void {
    const { message, language } = UserauthBanner.decode(packet);
    this.receiveBanner(message, language);
  }

  /** Text for the user before the login; it is the server's, so escape it before a terminal sees it. */
  receiveBanner(message: string, language: string): void {
    log.debug("banner: {message}", { message: shown(message) });
  }

  /** Asks about the next key; false when there is none. */
  auth_publickey(): Deferred<boolean> {
    const getting = this.#attempt(() => this.getPublicKey()) ?? succeed(null);
    return getting
      .addCallback((key: Key | null) => {
        if (!isKey(key)) return false;
        const known = this.triedPublicKeys.some((each) => each.equals(key));
        this.lastPublicKey = key;
        this.triedPublicKeys.push(key);
        const algorithm = this.signatureAlgorithm(key);
        // The server takes no signature of this key's: the next one, if it is another.
        if (algorithm === null) return known ? false : this.auth_publickey();
        const blob = key.blob();
        this.#query = { key, algorithm, blob };
        const fields = { hasSignature: 0, algorithm, blob, tail: Buffer.alloc(0) };
        this.askForAuth("publickey", PublicKeyData.encode(fields));
        return true;
      })
      .addErrback((reason: Failure) => {
        log.debug("no public key: {why}", { why: shown(reason.getErrorMessage()) });
        return false;
      });
  }

  /** Sends the password; false when there is none. */
  auth_password(): boolean {
    const asking = this.#attempt(() => this.getPassword());
    if (asking === null) return false;
    this.#goOn("password", asking, (password: string) => {
      this.askForAuth("password", PasswordData.encode({ change: false, password, tail: Buffer.alloc(0) }));
    });
    return true;
  }

  auth_keyboard_interactive(): boolean {
    this.askForAuth("keyboard-interactive", KeyboardInteractiveData.encode({ language: "", submethods: "" }));
    return true;
  }

  /**
   * Signs with the private half of `publicKey`; by default with {@link getPrivateKey}.
   *
   * @param algorithm the signature algorithm that the server takes and expects
   * @returns the signature blob; null when there is no private key
   */
  signData(publicKey: Key, data: Buffer, algorithm: string): Awaitable<Uint8Array> | null {
    const getting = this.#attempt(() => this.getPrivateKey());
    return getting?.addCallback((key: Key) => key.sign(data, algorithm)) ?? null;
  }

  /** The next key to offer; called again after each that was refused. Null when there are no more. */
  getPublicKey(): Awaitable<Key | null> {
    return null;
  }

  /** The private half of {@link lastPublicKey}. */
  getPrivateKey(): Awaitable<Key> | null {
    return fail(new NotImplementedError("getPrivateKey"));
  }

  /** @param prompt of a server that wants the password changed */
  getPassword(prompt: string | null = null): Awaitable<string> | null {
    return fail(new NotImplementedError("getPassword"));
  }

  /** One answer to each prompt. */
  getGenericAnswers(
    name: string,
    instruction: string,
    prompts: [prompt: string, echo: boolean][],
  ): Awaitable<readonly string[]> | null {
    return fail(new NotImplementedError("getGenericAnswers"));
  }

  /** By what a key would sign for this server: RSA by SHA-2 as `server-sig-algs` says (RFC 8332); null when by nothing. */
  protected signatureAlgorithm(key: Key): string | null {
    const type = key.sshType();
    if (type !== "ssh-rsa") return type;
    const listed = this.#transport.peerExtensions.get("server-sig-algs")?.toString("latin1").split(",");
    // Without a list, a server may yet know SHA-2.
    const taken = listed ?? [this.allowSHA1Signatures ? "ssh-rsa" : "rsa-sha2-512"];
    const ours = key.supportedSignatureAlgorithms().filter((each) => each !== "ssh-rsa" || this.allowSHA1Signatures);
    return ours.find((each) => taken.includes(each)) ?? null;
  }

  /** The first method that starts; those that cannot are passed over. */
  #tryEach(methods: readonly string[]): Deferred<null> {
    const [method, ...others] = methods;
    if (method === undefined) {
      this.#transport.sendDisconnect(
        DISCONNECT_NO_MORE_AUTH_METHODS_AVAILABLE,
        "no more authentication methods available",
      );
      return succeed(null);
    }
    return maybeDeferred(() => this.tryAuth(method))
      .addErrback((reason: Failure) => {
        log.failure("an authentication method broke", reason);
        return false;
      })
      .addCallback((started: unknown) => (started || !this.#running ? null : this.#tryEach(others)));
  }

  /** A Deferred of what a hook gives; null when that is null. */
  #attempt<T>(hook: () => Awaitable<T> | null): Deferred<T> | null {
    try {
      const given = hook();
      return given === null || given === undefined ? null : (maybeDeferred(() => given) as Deferred<T>);
    } catch (error) {
      return fail(error);
    }
  }

  /**
   * Goes on with what the user gives, or asks by `none` which methods are left when nothing comes of it.
   *
   * @param method not to be tried again then: who would not answer once is not asked for ever
   */
  #goOn<T>(method: string | null, coming: Deferred<T> | null, then: (value: T) => unknown): Deferred<null> | null {
    const stop = (why: string): null => {
      log.debug("{method} goes no further: {why}", { method: this.lastAuth, why: shown(why) });
      if (method !== null) this.#givenUp.add(method);
      this.askForAuth("none", "");
      return null;
    };
    if (coming === null) return stop("there is nothing to send");
    return coming
      .addCallback((value: T) => then(value))
      .addCallbacks(
        () => null,
        (reason: Failure) => stop(reason.getErrorMessage()),
      );
  }

  /** The server says what it may not (CL3). */
  #refuse(description: string): null {
    this.#running = false;
    this.#transport.sendDisconnect(DISCONNECT_PROTOCOL_ERROR, description);
    return null;
  }

  get #transport(): SSHTransportBase {
    return this.transport!;
  }
}

/** Infinity - Infinity is no order. */
function compare(a: number, b: number): number {
  return a === b ? 0 : a - b;
}

function isKey(value: unknown): value is Key {
  return typeof value === "object" && value !== null && typeof (value as Partial<Key>).blob === "function";
}

/** The algorithm by which a signature is made. */
function nameOf(signature: Uint8Array): string {
  return new Reader(signature).string().toString("latin1");
}
