/** The client's side of user authentication (RFC 4252). */
import type { Deferred } from "@strombus/reactor/defer";
import { fail, maybeDeferred, succeed } from "@strombus/reactor/defer";
import { NotImplementedError } from "@strombus/reactor/exceptions";
import type { Failure } from "@strombus/reactor/failure";
import { certifiedName } from "../keys/certificate-names.js";
import type { Certificate } from "../keys/certificate.js";
import {
  HostBasedData,
  HostBoundData,
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
import { peerLog } from "../peer-log.js";
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
import { signedByHost } from "./hostbased.js";
import { MSG_USERAUTH_INFO_RESPONSE, MSG_USERAUTH_REQUEST, protocolMessages } from "./numbers.js";
import { HOST_BOUND, signedData } from "./publickey.js";

/** A value, or a Promise or Deferred of it. */
type Awaitable<T> = T | PromiseLike<T> | Deferred<T>;

/** The key that we last asked about, as itself or by its certificate, and how it would sign. */
interface KeyQuery {
  readonly key: Key;
  /** The name in the request, and that of the signature, which differ for a certificate. */
  readonly algorithm: string;
  readonly signing: string;
  /** What is shown. */
  readonly blob: Buffer;
  /** The server's host key, where the signature covers it. */
  readonly hostKey: Buffer | null;
}

/** For whom a host speaks, and by which key (RFC 4252 section 9). */
export interface HostBasedIdentity {
  /** The host's own, private; or whatever signs in its place. */
  readonly key: Pick<Key, "sshType" | "supportedSignatureAlgorithms" | "blob"> & {
    sign(data: Buffer, algorithm: string): Awaitable<Uint8Array>;
  };
  /** The host's name, which the server looks up. */
  readonly hostname: string;
  /** The user's name on that host. */
  readonly username: string;
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
  /** Sign for this server's host key too, where the server takes it (OpenSSH PROTOCOL section 3.1). */
  hostBound = true;
  /**
   * Be content with a server that lets us in for nothing: without a signature, a password, or an answer. Whoever asks for a
   * passphrase or a password after that would ask for the server, which may pretend to be us.
   */
  acceptUnprovenLogin = true;

  /** May change from one request to the next. */
  user: string;
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
  /** A key whose certificate was offered: it comes next, by itself. */
  #bare: Key | null = null;
  /** The keys of hosts that have spoken for us. */
  #hosts: Buffer[] = [];
  /** The server has asked something since we last offered to answer. */
  #wasAsked = false;
  /** Methods that the user could not or would not do, or for which the server had no question. */
  #givenUp = new Set<string>();
  /** The transport on which the login is over. On another it goes on, also for one that begins it without `super`. */
  #over: SSHTransportBase | null = null;
  /** Something was sent that only the user could send. */
  #proven = false;

  constructor(user: BytesLike, instance: TransportService) {
    super();
    this.user = toBuffer(user).toString("utf8");
    this.instance = instance;
  }

  override serviceStarted(): void {
    this.authenticatedWith = [];
    this.triedPublicKeys = [];
    this.lastPublicKey = null;
    this.#bare = null;
    this.#hosts = [];
    this.#givenUp.clear();
    this.#proven = false;
    this.#over = null;
    this.askForAuth("none", "");
  }

  override serviceStopped(): void {
    this.#over = this.transport;
  }

  /** Sends a request; `extraData` is the method's own part of it. */
  askForAuth(kind: string, extraData: BytesLike): void {
    if (!this.#running) return; // the answer of a user who took longer than the connection lasted
    this.lastAuth = kind === HOST_BOUND ? "publickey" : kind;
    this.#awaiting = true;
    const { user, instance } = this;
    const fields = { user, service: instance.name!, method: kind, data: toBuffer(extraData) };
    this.#proven ||= proves(kind, fields.data);
    this.#transport.sendPacket(MSG_USERAUTH_REQUEST, UserauthRequest.encode(fields));
  }

  /** Starts a method; truthy, or a Deferred of it, when it did. Null for one that we do not have. */
  tryAuth(kind: string): unknown {
    return namedMethod(this, `auth_${kind.replaceAll("-", "_")}`)?.() ?? null;
  }

  ssh_USERAUTH_SUCCESS(packet: Buffer): void {
    if (packet.length > 0 || !this.#awaiting) return void this.#refuse("a success that nobody asked for");
    if (!this.#proven && !this.acceptUnprovenLogin) return void this.#refuse("let in without any proof");
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
    else if (this.lastAuth === "keyboard-interactive" && !this.#wasAsked) this.#givenUp.add(this.lastAuth);
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
    const { hostKey, signing } = query;
    const request = { method: methodOf(query), flag: 1, algorithm, blob: query.blob, hostKey };
    const data = signedData(this.#transport.sessionID!, this.user, this.instance.name!, request);
    const coming = this.#attempt(() => this.signData(query.key, data, signing));
    return this.#goOn(null, coming, (signature: Uint8Array) => {
      if (nameOf(signature) !== signing) throw new TypeError(`the signature is not by ${signing}`);
      this.#sendKey(query, signature);
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
    this.#wasAsked = true;
    const questions = prompts.map(({ prompt, echo }): [string, boolean] => [prompt, echo]);
    const asking = this.#attempt(() => this.getGenericAnswers(name, instruction, questions));
    return this.#goOn("keyboard-interactive", asking, (answers: readonly string[]) => {
      if (!this.#running) return;
      const body = UserauthInfoResponse.encode({ answers: answers.map((answer) => ({ answer })) });
      this.#awaiting = true;
      this.#proven ||= answers.length > 0;
      this.#transport.sendPacket(MSG_USERAUTH_INFO_RESPONSE, body);
    });
  }

  ssh_USERAUTH_BANNER(packet: Buffer): unknown {
    const { message, language } = UserauthBanner.decode(packet);
    return this.receiveBanner(message, language);
  }

  /** Text for the user before the login; it is the server's, so escape it before a terminal sees it. */
  receiveBanner(message: string, language: string): void {
    peerLog(log, this.transport).debug("banner: {message}", { message: shown(message) });
  }

  /** Asks about the next key, by its certificate first where it has one; false when there is none. */
  auth_publickey(): Deferred<boolean> {
    const bare = this.#bare;
    this.#bare = null;
    if (bare !== null && this.#ask(bare, null)) return succeed(true);
    const getting = this.#attempt(() => this.getPublicKey()) ?? succeed(null);
    return getting
      .addCallback((key: Key | null) => {
        if (!isKey(key)) return false;
        const known = this.triedPublicKeys.some((each) => each.equals(key));
        this.lastPublicKey = key;
        this.triedPublicKeys.push(key);
        return maybeDeferred(() => this.getCertificate(key)).addCallback((certificate: Certificate | null) => {
          if (certificate !== null) this.#bare = key;
          if (this.#ask(key, certificate)) return true;
          // The server takes no signature of this key's: the next one, if it is another.
          return known ? false : this.auth_publickey();
        });
      })
      .addErrback((reason: Failure) => {
        log.debug("no public key: {why}", { why: shown(reason.getErrorMessage()) });
        return false;
      });
  }

  /** Has the host speak for the user; false when there is none that would, or that has not yet (RFC 4252 section 9). */
  auth_hostbased(): Deferred<boolean> {
    const getting = this.#attempt(() => this.getHostBasedIdentity()) ?? succeed(null);
    return getting
      .addCallback((identity: HostBasedIdentity | null) => {
        if (identity === null) return false;
        const { key, hostname, username: clientUsername } = identity;
        const algorithm = this.signatureAlgorithm(key);
        const blob = key.blob();
        if (algorithm === null || this.#hosts.some((each) => each.equals(blob))) return false;
        this.#hosts.push(blob);
        const request = { algorithm, blob, hostname, clientUsername };
        const data = signedByHost(this.#transport.sessionID!, this.user, this.instance.name!, request);
        return maybeDeferred(() => key.sign(data, algorithm)).addCallback((signature: Uint8Array) => {
          this.askForAuth("hostbased", HostBasedData.encode({ ...request, signature }));
          return true;
        });
      })
      .addErrback((reason: Failure) => {
        log.debug("no host speaks for us: {why}", { why: shown(reason.getErrorMessage()) });
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
    this.#wasAsked = false;
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

  /** A certificate of this key, which is offered before the key itself (OpenSSH PROTOCOL.certkeys). */
  getCertificate(publicKey: Key): Awaitable<Certificate | null> {
    return null;
  }

  /** Who speaks for the user by `hostbased`; called again after each that was refused. Null when there are no more. */
  getHostBasedIdentity(): Awaitable<HostBasedIdentity | null> {
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
  protected signatureAlgorithm(key: Pick<Key, "sshType" | "supportedSignatureAlgorithms">): string | null {
    const type = key.sshType();
    if (type !== "ssh-rsa") return type;
    const listed = this.#transport.peerExtensions.get("server-sig-algs")?.toString("latin1").split(",");
    // Without a list, a server may yet know SHA-2.
    const taken = listed ?? [this.allowSHA1Signatures ? "ssh-rsa" : "rsa-sha2-512"];
    const ours = key.supportedSignatureAlgorithms().filter((each) => each !== "ssh-rsa" || this.allowSHA1Signatures);
    return ours.find((each) => taken.includes(each)) ?? null;
  }

  /** Asks whether a key would do, or the certificate of it; false when it cannot sign for this server. */
  #ask(key: Key, certificate: Certificate | null): boolean {
    const signing = this.signatureAlgorithm(key);
    if (signing === null) return false;
    const hostKey = this.hostBound && this.#takesHostBound() ? this.#transport.hostKeyBlob : null;
    const algorithm = certificate === null ? signing : certifiedName(signing);
    this.#query = { key, algorithm, signing, blob: certificate?.blob ?? key.blob(), hostKey };
    this.#sendKey(this.#query, null);
    return true;
  }

  #sendKey(query: KeyQuery, signature: Uint8Array | null): void {
    const { algorithm, blob, hostKey } = query;
    const tail = new Writer();
    if (signature !== null) tail.string(signature);
    const fields = { hasSignature: signature === null ? 0 : 1, algorithm, blob, tail: tail.payload() };
    const data = hostKey === null ? PublicKeyData.encode(fields) : HostBoundData.encode({ ...fields, hostKey });
    this.askForAuth(methodOf(query), data);
  }

  #takesHostBound(): boolean {
    return this.#transport.peerExtensions.get("publickey-hostbound@openssh.com")?.toString("latin1") === "0";
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
    this.#over = this.transport;
    this.#transport.sendDisconnect(DISCONNECT_PROTOCOL_ERROR, description);
    return null;
  }

  get #running(): boolean {
    return this.transport !== null && this.transport !== this.#over;
  }

  get #transport(): SSHTransportBase {
    return this.transport!;
  }
}

/** Whether a request shows more than a name: to ask about a key, or to be asked, shows nothing yet. */
function proves(kind: string, data: Buffer): boolean {
  if (kind === "publickey" || kind === HOST_BOUND) return data[0] !== 0;
  return kind !== "none" && kind !== "keyboard-interactive";
}

function methodOf(query: KeyQuery): string {
  return query.hostKey === null ? "publickey" : HOST_BOUND;
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
