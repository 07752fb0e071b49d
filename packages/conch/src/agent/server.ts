/** An ssh-agent of our own (twisted.conch.ssh.agent; draft-ietf-sshm-ssh-agent). */
import { reactor } from "@strombus/reactor";
import { Deferred } from "@strombus/reactor/defer";
import type { Failure } from "@strombus/reactor/failure";
import type { IPushProducer, IReactorTime, ITransport } from "@strombus/reactor/interfaces";
import { Logger } from "@strombus/reactor/logger";
import { connectionDone, Protocol, type Factory } from "@strombus/reactor/protocol";
import { after, isLater, settle } from "../channel/later.js";
import { ConchError, MissingKeyStoreError, ProtocolError } from "../error.js";
import type { MaybeLater } from "../interfaces.js";
import { peerLog, tellWhatWasLeftOut } from "../peer-log.js";
import { BadKeyError, type Key } from "../ssh/keys.js";
import { frame, FrameInput } from "../wire/frames.js";
import { Reader } from "../wire/reader.js";
import { toBuffer, Writer, type BytesLike } from "../wire/writer.js";
import { IdentitiesAnswer } from "./client.js";
import { permitted, readHostKey, readLogin, type SessionBinding } from "./destinations.js";
import { AgentGuard, type Constraints, readConstraints } from "./guard.js";
import { type Identity, readIdentity } from "./identity.js";
import {
  AGENT_EXTENSION_FAILURE,
  AGENT_EXTENSION_RESPONSE,
  AGENT_FAILURE,
  AGENT_IDENTITIES_ANSWER,
  AGENT_RSA_IDENTITIES_ANSWER,
  AGENT_SIGN_RESPONSE,
  AGENT_SUCCESS,
  messages,
  RSA_FLAGS,
} from "./numbers.js";

const log = new Logger({ namespace: "strombus.conch.ssh.agent" });

const MAX_WAITING = 64 * 1024; // bytes of requests behind one that takes its time
const MAX_BINDINGS = 16; // hops, as OpenSSH has it

/** What a locked agent answers as if it held nothing; anything else but UNLOCK it refuses. */
const EMPTY_WHEN_LOCKED: ReadonlySet<string> = new Set(["REQUEST_IDENTITIES", "REQUEST_RSA_IDENTITIES"]);

/** What an agent holds: private keys and their comments, by public blob in base64. */
export type AgentKeys = Map<string, readonly [key: Key, comment: string]>;

/** The factory of agents: it keeps the keys, which all connections share. */
export interface AgentFactory extends Factory {
  keys?: AgentKeys | null;
}

const guards = new WeakMap<AgentFactory, AgentGuard>();

/**
 * Serves the keys of its factory to one client. It signs for whoever can connect to it: a subclass restricts it by
 * `maySign`, `confirm` and its `agentc_...` methods; those that throw ConchError, BadKeyError or ProtocolError are answered
 * FAILURE. It loads no code: keys of smart cards are refused (CL5).
 */
export class SSHAgentServer extends Protocol {
  declare factory: AgentFactory | null;
  clock: IReactorTime = reactor;
  /** Where this client said that it comes from, hop by hop: the last is the server that asks now. */
  readonly bindings: SessionBinding[] = [];
  readonly #input = new FrameInput("an agent's frame");
  #busy = false;
  #paused = false;
  /** It said where it comes from, though it may not have shown it. */
  #comesFromElsewhere = false;

  /** What has come of requests that were not looked at yet. */
  get buf(): Buffer {
    return this.#input.bytes;
  }

  set buf(bytes: Buffer) {
    this.#input.bytes = bytes;
  }

  /** @throws MissingKeyStoreError after answering FAILURE, when the factory has no `keys`. */
  override dataReceived(data: Buffer): void {
    this.#input.add(data);
    this.#work();
    if (this.#busy && this.buf.length > MAX_WAITING && !this.#paused) this.#pause(true);
  }

  override connectionLost(reason: Failure = connectionDone): void {
    super.connectionLost(reason);
    tellWhatWasLeftOut(this);
  }

  sendResponse(reqType: number, data: BytesLike): void {
    this.transport?.write(frame(reqType, toBuffer(data)));
  }

  // To override.

  /** Whether a key may sign these data for this client; all may, unless a subclass says otherwise. */
  maySign(key: Key, data: Buffer): MaybeLater<boolean> {
    return true;
  }

  /** Asks somebody about a key that was added to be used with confirmation only. Here is nobody to ask: no. */
  confirm(key: Key, comment: string): MaybeLater<boolean> {
    return false;
  }

  // Requests.

  agentc_REQUEST_IDENTITIES(data: Buffer): void {
    new Reader(data).end();
    const held = this.#guard.isLocked ? [] : [...this.#keys].filter(([id]) => this.#shows(id, null));
    const identities = held.map(([id, [, comment]]) => ({ blob: Buffer.from(id, "base64"), comment }));
    this.sendResponse(AGENT_IDENTITIES_ANSWER, IdentitiesAnswer.encode({ identities }));
  }

  agentc_SIGN_REQUEST(data: Buffer): MaybeLater<void> {
    const from = new Reader(data);
    const blob = Buffer.from(from.string());
    const id = idOf(blob);
    const toSign = Buffer.from(from.string());
    const flags = from.remaining === 0 ? 0 : from.uint32();
    from.end();
    const held = this.#keys.get(id);
    if (held === undefined) throw new ConchError("a signature by a key that is not here");
    const [key, comment] = held;
    if (this.#guard.destinationsOf(id) !== null) this.#checkDestination(id, blob, toSign);
    const asked = this.#guard.needsConfirmation(id) ? this.confirm(key, comment) : true;
    const allowed = after(asked, (yes) => (yes ? this.maySign(key, toSign) : false)) as MaybeLater<boolean>;
    return after(allowed, (yes) => {
      if (!yes) throw new ConchError("a signature that is not allowed");
      const out = new Writer();
      out.string(key.sign(toSign, algorithmOf(key, flags)));
      this.sendResponse(AGENT_SIGN_RESPONSE, out.payload());
    });
  }

  /** @throws BadKeyError for a key that is none, or of a type that cannot be added. */
  agentc_ADD_IDENTITY(data: Buffer): void {
    const from = new Reader(data);
    const identity = readIdentity(from, data);
    const comment = from.remaining === 0 ? "" : from.text();
    from.end();
    this.#add(identity, comment, { lifetime: null, confirm: false, destinations: null });
  }

  /** @throws ConchError for a constraint that is unknown: the key would be freer than its owner wants. */
  agentc_ADD_ID_CONSTRAINED(data: Buffer): void {
    const from = new Reader(data);
    const identity = readIdentity(from, data);
    const comment = from.text();
    this.#add(identity, comment, readConstraints(from));
  }

  agentc_REMOVE_IDENTITY(data: Buffer): void {
    const from = new Reader(data);
    const id = idOf(from.string());
    from.end();
    if (!this.#shows(id, null) || !this.#keys.delete(id)) throw new ConchError("a removal of a key that is not here");
    this.#guard.forget(id);
    this.sendResponse(AGENT_SUCCESS, "");
  }

  agentc_REMOVE_ALL_IDENTITIES(data: Buffer): void {
    new Reader(data).end();
    for (const id of this.#keys.keys()) this.#guard.forget(id);
    this.#keys.clear();
    this.sendResponse(AGENT_SUCCESS, "");
  }

  /** While it is locked it lists no key, signs nothing and takes nothing. */
  agentc_LOCK(data: Buffer): void {
    const from = new Reader(data);
    const passphrase = from.string();
    from.end();
    this.#guard.lock(passphrase);
    this.sendResponse(AGENT_SUCCESS, "");
  }

  /** A wrong passphrase is answered the later the more of them there were. */
  agentc_UNLOCK(data: Buffer): MaybeLater<void> {
    const from = new Reader(data);
    const passphrase = from.string();
    from.end();
    const { opened, wait } = this.#guard.unlock(passphrase);
    if (opened) return this.sendResponse(AGENT_SUCCESS, "");
    const answer = new Deferred<void>();
    this.clock.callLater(wait, () => answer.errback(new ConchError("a wrong passphrase")));
    return answer;
  }

  /** Extensions by name; `query` lists them. */
  agentc_EXTENSION(data: Buffer): void {
    const from = new Reader(data);
    const name = from.text();
    if (name === "query") {
      const out = new Writer();
      for (const each of [name, SESSION_BIND]) out.string(each);
      this.sendResponse(AGENT_EXTENSION_RESPONSE, out.payload());
    } else if (name === SESSION_BIND) {
      this.#bind(from);
      this.sendResponse(AGENT_SUCCESS, "");
    } else {
      this.sendResponse(AGENT_EXTENSION_FAILURE, "");
    }
  }

  // Keys of smart cards: a provider is a library to load, which no client is to choose.

  agentc_ADD_SMARTCARD_KEY(_data: Buffer): void {
    throw new ConchError("keys of a smart card");
  }

  agentc_REMOVE_SMARTCARD_KEY(_data: Buffer): void {
    throw new ConchError("keys of a smart card");
  }

  agentc_ADD_SMARTCARD_KEY_CONSTRAINED(_data: Buffer): void {
    throw new ConchError("keys of a smart card");
  }

  // Keys of SSH 1, of which there are none.

  agentc_REQUEST_RSA_IDENTITIES(_data: Buffer): void {
    this.sendResponse(AGENT_RSA_IDENTITIES_ANSWER, Buffer.alloc(4));
  }

  agentc_REMOVE_RSA_IDENTITY(_data: Buffer): void {
    this.sendResponse(AGENT_SUCCESS, "");
  }

  agentc_REMOVE_ALL_RSA_IDENTITIES(_data: Buffer): void {
    this.sendResponse(AGENT_SUCCESS, "");
  }

  // What those are made of.

  /** One request after the other: an answer that takes its time holds the next ones back. */
  #work(): void {
    while (!this.#busy) {
      const request = this.#input.take();
      if (request === null) {
        if (this.#paused) this.#pause(false);
        return;
      }
      this.#request(request[0]!, request.subarray(1));
    }
  }

  /** Who asks on and on while an answer takes its time is not read from. */
  #pause(paused: boolean): void {
    this.#paused = paused;
    const transport: Partial<ITransport & IPushProducer> | null = this.transport;
    if (paused) transport?.pauseProducing?.();
    else transport?.resumeProducing?.();
  }

  #request(number: number, body: Buffer): void {
    const name = messages.get(number);
    if (name === undefined) return this.sendResponse(AGENT_FAILURE, "");
    if (this.factory?.keys == null) {
      this.sendResponse(AGENT_FAILURE, "");
      throw new MissingKeyStoreError();
    }
    this.#forgetExpired();
    let result: unknown;
    try {
      if (this.#guard.isLocked && name !== "UNLOCK" && !EMPTY_WHEN_LOCKED.has(name)) throw new ConchError("locked");
      result = (this as unknown as Record<string, (data: Buffer) => unknown>)[`agentc_${name}`]!(body);
    } catch (error) {
      return this.#refuse(name, error);
    }
    if (!isLater(result)) return;
    const later = result;
    this.#busy = true;
    const done = () => {
      this.#busy = false;
      this.#work();
    };
    settle(
      () => later,
      done,
      (error) => {
        this.#refuse(name, error);
        done();
      },
    );
  }

  #refuse(name: string, error: unknown): void {
    if (!(error instanceof ConchError || error instanceof BadKeyError || error instanceof ProtocolError)) throw error;
    peerLog(log, this).info("refused {name}: {why}", { name, why: error.message });
    this.sendResponse(AGENT_FAILURE, "");
  }

  #add({ blob, key }: Identity, comment: string, constraints: Constraints): void {
    const id = idOf(blob);
    // Who is not shown it does not get it by adding it once more.
    if (!this.#shows(id, null)) throw new ConchError("a key that is here for others");
    this.#guard.constrain(id, constraints, this.clock);
    this.#keys.set(id, [key, comment]);
    this.sendResponse(AGENT_SUCCESS, "");
  }

  #forgetExpired(): void {
    for (const id of this.#guard.expired(this.clock)) {
      this.#guard.forget(id);
      this.#keys.delete(id);
    }
  }

  /** Whether this client gets to see a key, or to log in `user` by it. */
  #shows(id: string, user: string | null): boolean {
    const destinations = this.#guard.destinationsOf(id);
    if (destinations === null) return true;
    if (this.#comesFromElsewhere && this.bindings.length === 0) return false;
    return permitted(destinations, this.bindings, user, Date.now() / 1000);
  }

  /** A key with destinations signs logins only, on the connection that was bound last. @throws ConchError for all else */
  #checkDestination(id: string, blob: Buffer, toSign: Buffer): void {
    const last = this.bindings.at(-1);
    const login = readLogin(toSign, blob);
    if (last === undefined || login === null) throw new ConchError("a signature that leads to no destination");
    const isMeant = login.hostKey === null ? this.bindings.length === 1 : login.hostKey.equals(last.shown);
    if (!isMeant || !login.sessionID.equals(last.sessionID) || !this.#shows(id, login.user)) {
      throw new ConchError("a signature for another destination");
    }
  }

  /** @throws ConchError unless the host has signed the session. After a login nothing more can be bound. */
  #bind(from: Reader): void {
    this.#comesFromElsewhere = true;
    const shown = Buffer.from(from.string());
    const host = readHostKey(shown);
    const sessionID = Buffer.from(from.string());
    const signature = Buffer.from(from.string());
    const isForwarding = from.boolean();
    from.end();
    if (!host.hostKey.verify(signature, sessionID)) throw new ConchError("a binding that the host has not signed");
    if (this.bindings.at(-1)?.isForwarding === false) throw new ConchError("a binding after a login");
    const known = this.bindings.find((each) => each.sessionID.equals(sessionID));
    if (known !== undefined) {
      if (!known.shown.equals(shown)) throw new ConchError("a binding of one session to two hosts");
      return;
    }
    if (this.bindings.length >= MAX_BINDINGS) throw new ConchError("too many bindings");
    this.bindings.push({ ...host, shown, sessionID, isForwarding });
  }

  get #keys(): AgentKeys {
    return this.factory!.keys!;
  }

  get #guard(): AgentGuard {
    const found = guards.get(this.factory!) ?? new AgentGuard();
    guards.set(this.factory!, found);
    return found;
  }
}

const SESSION_BIND = "session-bind@openssh.com";

/** Under which a key is kept. */
function idOf(blob: Buffer): string {
  return blob.toString("base64");
}

/** null is the key's own. @throws ConchError for flags that nobody knows. */
function algorithmOf(key: Key, flags: number): string | null {
  if (flags === 0 || key.sshType() !== "ssh-rsa") return null;
  for (const [algorithm, flag] of RSA_FLAGS) if (flag === flags) return algorithm;
  throw new ConchError(`a signature by flags ${flags}`);
}
