/** The client of an ssh-agent (twisted.conch.ssh.agent; draft-miller-ssh-agent). */
import { Deferred, fail } from "@strombus/reactor/defer";
import { ConnectionLost } from "@strombus/reactor/error";
import type { Failure } from "@strombus/reactor/failure";
import { connectionDone, Protocol } from "@strombus/reactor/protocol";
import { ConchError } from "../error.js";
import { NS } from "../ssh/common.js";
import { bytes, counted, text } from "../wire/fields.js";
import { layout } from "../wire/message.js";
import { frame, FrameInput } from "../wire/frames.js";
import { Reader } from "../wire/reader.js";
import { toBuffer, Writer, type BytesLike } from "../wire/writer.js";
import { type Destination, RESTRICT_DESTINATION, writeDestinations } from "./destinations.js";
import {
  AGENT_FAILURE,
  AGENT_CONSTRAIN_CONFIRM,
  AGENT_CONSTRAIN_EXTENSION,
  AGENT_CONSTRAIN_LIFETIME,
  AGENT_EXTENSION_FAILURE,
  AGENT_EXTENSION_RESPONSE,
  AGENT_IDENTITIES_ANSWER,
  AGENT_SIGN_RESPONSE,
  AGENT_SUCCESS,
  AGENTC_ADD_ID_CONSTRAINED,
  AGENTC_ADD_IDENTITY,
  AGENTC_EXTENSION,
  AGENTC_LOCK,
  AGENTC_REMOVE_ALL_IDENTITIES,
  AGENTC_REMOVE_IDENTITY,
  AGENTC_REQUEST_IDENTITIES,
  AGENTC_SIGN_REQUEST,
  AGENTC_UNLOCK,
  RSA_FLAGS,
} from "./numbers.js";

export const IdentitiesAnswer = layout("agent's identities", { identities: counted({ blob: bytes, comment: text }) });

/** What an agent is to hold a key to. */
export interface AddOptions {
  /** Seconds after which it forgets the key; null is never. */
  readonly lifetime?: number | null;
  /** It asks its user before each signature. */
  readonly confirm?: boolean;
  /** The key is for these logins only; null is any. */
  readonly destinations?: readonly Destination[] | null;
}

/** Asks an agent; requests are answered in order, and all fail when the agent goes. */
export class SSHAgentClient extends Protocol {
  /** Those waiting for answers, in order. */
  deferreds: Deferred<Buffer>[] = [];
  readonly #input = new FrameInput("an agent's frame");
  #lost: Error | null = null;

  /** What has come of the next answer. */
  get buf(): Buffer {
    return this.#input.bytes;
  }

  set buf(bytes: Buffer) {
    this.#input.bytes = bytes;
  }

  override dataReceived(data: Buffer): void {
    this.#input.add(data);
    try {
      for (let answer = this.#input.take(); answer !== null; answer = this.#input.take()) this.#answered(answer);
    } catch (error) {
      this.#end(error as Error);
      this.transport?.loseConnection();
    }
  }

  override connectionLost(reason: Failure = connectionDone): void {
    this.#end(new ConnectionLost("the agent has gone", reason.value));
  }

  /**
   * Sends a request of any kind. SUCCESS gives an empty Buffer, other answers themselves with their number in front.
   * Fails with ConchError when the agent says FAILURE, and with ConnectionLost when it has gone.
   */
  sendRequest(reqType: number, data: BytesLike): Deferred<Buffer> {
    if (this.#lost !== null) return fail(this.#lost);
    const answer = new Deferred<Buffer>();
    this.deferreds.push(answer);
    this.transport?.write(frame(reqType, toBuffer(data)));
    return answer;
  }

  /** The keys that the agent holds. */
  requestIdentities(): Deferred<[blob: Buffer, comment: string][]> {
    return this.sendRequest(AGENTC_REQUEST_IDENTITIES, "").addCallback((answer: Buffer) => {
      const body = bodyOf(answer, AGENT_IDENTITIES_ANSWER);
      return IdentitiesAnswer.decode(body).identities.map(({ blob, comment }) => [Buffer.from(blob), comment]);
    });
  }

  /** Gives the agent a key: `blob` is its `privateBlob()`. An agent that does not know a constraint refuses the key. */
  addIdentity(
    blob: BytesLike,
    comment = "",
    { lifetime = null, confirm = false, destinations = null }: AddOptions = {},
  ): Deferred<Buffer> {
    const out = new Writer();
    out.raw(toBuffer(blob));
    out.string(comment);
    if (lifetime === null && !confirm && destinations === null) {
      return this.#do(AGENTC_ADD_IDENTITY, out.payload());
    }
    if (lifetime !== null) {
      out.byte(AGENT_CONSTRAIN_LIFETIME);
      out.uint32(lifetime);
    }
    if (confirm) out.byte(AGENT_CONSTRAIN_CONFIRM);
    if (destinations !== null) {
      out.byte(AGENT_CONSTRAIN_EXTENSION);
      out.string(RESTRICT_DESTINATION);
      out.string(writeDestinations(destinations));
    }
    return this.#do(AGENTC_ADD_ID_CONSTRAINED, out.payload());
  }

  /**
   * Has the key whose public blob this is sign.
   *
   * @param algorithm of an RSA key: `rsa-sha2-256` or `rsa-sha2-512`; without it, and for other keys, the agent's choice
   * @returns the signature, with the algorithm's name in front
   */
  signData(blob: BytesLike, data: BytesLike, algorithm = ""): Deferred<Buffer> {
    const out = new Writer();
    out.string(blob);
    out.string(data);
    out.uint32(RSA_FLAGS.get(algorithm) ?? 0);
    return this.sendRequest(AGENTC_SIGN_REQUEST, out.payload()).addCallback((answer: Buffer) => {
      const from = new Reader(bodyOf(answer, AGENT_SIGN_RESPONSE));
      const signature = Buffer.from(from.string());
      from.end();
      return signature;
    });
  }

  removeIdentity(blob: BytesLike): Deferred<Buffer> {
    const out = new Writer();
    out.string(blob);
    return this.#do(AGENTC_REMOVE_IDENTITY, out.payload());
  }

  removeAllIdentities(): Deferred<Buffer> {
    return this.#do(AGENTC_REMOVE_ALL_IDENTITIES, "");
  }

  /** Until it is unlocked by the same passphrase it lists nothing and signs nothing. */
  lock(passphrase: string): Deferred<Buffer> {
    return this.#do(AGENTC_LOCK, NS(passphrase));
  }

  unlock(passphrase: string): Deferred<Buffer> {
    return this.#do(AGENTC_UNLOCK, NS(passphrase));
  }

  /** Uses an extension: what the agent answers, without its number. Fails with ConchError when it has none of that name. */
  extension(name: string, data: BytesLike = ""): Deferred<Buffer> {
    const out = new Writer();
    out.string(name);
    out.raw(toBuffer(data));
    return this.sendRequest(AGENTC_EXTENSION, out.payload()).addCallback(refuseExtensionFailure);
  }

  /** The names of the extensions that the agent has. */
  queryExtensions(): Deferred<string[]> {
    const out = new Writer();
    out.string("query");
    return this.sendRequest(AGENTC_EXTENSION, out.payload()).addCallback((answer: Buffer) => {
      const from = new Reader(bodyOf(answer, AGENT_EXTENSION_RESPONSE));
      from.string(); // "query" again
      const names: string[] = [];
      while (from.remaining > 0) names.push(from.text());
      return names;
    });
  }

  /** Tells the agent which server this connection leads to: `signature` is the host's, of the session identifier. */
  bindSession(hostKey: BytesLike, sessionID: BytesLike, signature: BytesLike, isForwarding: boolean): Deferred<Buffer> {
    return this.sendRequest(AGENTC_EXTENSION, bindingOf(hostKey, sessionID, signature, isForwarding)).addCallback(
      refuseExtensionFailure,
    );
  }

  /** A request that is answered by SUCCESS, or FAILURE, and by nothing else. */
  #do(reqType: number, data: BytesLike): Deferred<Buffer> {
    return this.sendRequest(reqType, data).addCallback((answer: Buffer) => {
      if (answer.length > 0) throw new ConchError(`the agent answers by another message: ${answer[0]!}`);
      return answer;
    });
  }

  #answered(answer: Buffer): void {
    const waiting = this.deferreds.shift();
    if (waiting === undefined) throw new ConchError("the agent answers what nobody asked");
    if (answer[0] === AGENT_FAILURE) waiting.errback(new ConchError("agent failure"));
    else waiting.callback(answer[0] === AGENT_SUCCESS ? Buffer.alloc(0) : Buffer.from(answer));
  }

  #end(error: Error): void {
    this.#lost ??= error;
    for (const waiting of this.deferreds.splice(0)) waiting.errback(error);
  }
}

/** The body of the request that binds a connection of an agent's to a session. */
export function bindingOf(
  hostKey: BytesLike,
  sessionID: BytesLike,
  signature: BytesLike,
  isForwarding: boolean,
): Buffer {
  const out = new Writer();
  for (const each of ["session-bind@openssh.com", hostKey, sessionID, signature]) out.string(each);
  out.boolean(isForwarding);
  return out.payload();
}

function refuseExtensionFailure(answer: Buffer): Buffer {
  if (answer[0] === AGENT_EXTENSION_FAILURE) throw new ConchError("agent extension failure");
  return answer.subarray(1);
}

function bodyOf(answer: Buffer, number: number): Buffer {
  if (answer[0] !== number) throw new ConchError(`the agent answers by another message: ${answer[0] ?? "nothing"}`);
  return answer.subarray(1);
}
