/** An ssh-agent of our own (twisted.conch.ssh.agent; draft-miller-ssh-agent). */
import { Logger } from "@strombus/reactor/logger";
import { Protocol, type Factory } from "@strombus/reactor/protocol";
import { ConchError, MissingKeyStoreError, ProtocolError } from "../error.js";
import { readPrivateFields } from "../keys/blob.js";
import { BadKeyError, Key } from "../ssh/keys.js";
import { Reader } from "../wire/reader.js";
import { Writer, type BytesLike } from "../wire/writer.js";
import { IdentitiesAnswer } from "./client.js";
import { frame, takeFrame } from "./frames.js";
import {
  AGENT_FAILURE,
  AGENT_IDENTITIES_ANSWER,
  AGENT_RSA_IDENTITIES_ANSWER,
  AGENT_SIGN_RESPONSE,
  AGENT_SUCCESS,
  messages,
  RSA_FLAGS,
} from "./numbers.js";

const log = new Logger({ namespace: "strombus.conch.ssh.agent" });

/** What an agent holds: private keys and their comments, by public blob in base64. */
export type AgentKeys = Map<string, readonly [key: Key, comment: string]>;

/** The factory of agents: it keeps the keys, which all connections share. */
export interface AgentFactory extends Factory {
  keys?: AgentKeys | null;
}

/**
 * Serves the keys of its factory to one client. A subclass restricts it by its `agentc_...` methods; those that throw
 * ConchError, BadKeyError or ProtocolError are answered FAILURE.
 */
export class SSHAgentServer extends Protocol {
  declare factory: AgentFactory | null;
  /** What has come of the next request. */
  buf: Buffer = Buffer.alloc(0);

  /** @throws MissingKeyStoreError after answering FAILURE, when the factory has no `keys`. */
  override dataReceived(data: Buffer): void {
    this.buf = Buffer.concat([this.buf, data]);
    for (;;) {
      const taken = takeFrame(this.buf);
      if (taken === null) return;
      const [request, rest] = taken;
      this.buf = rest;
      this.#request(request[0]!, request.subarray(1));
    }
  }

  sendResponse(reqType: number, data: BytesLike): void {
    this.transport?.write(frame(reqType, data));
  }

  agentc_REQUEST_IDENTITIES(data: Buffer): void {
    new Reader(data).end();
    const identities = [...this.#keys].map(([id, [, comment]]) => ({ blob: Buffer.from(id, "base64"), comment }));
    this.sendResponse(AGENT_IDENTITIES_ANSWER, IdentitiesAnswer.encode({ identities }));
  }

  agentc_SIGN_REQUEST(data: Buffer): void {
    const from = new Reader(data);
    const held = this.#keys.get(idOf(from.string()));
    const toSign = from.string();
    const flags = from.remaining === 0 ? 0 : from.uint32();
    from.end();
    if (held === undefined) throw new ConchError("a signature by a key that is not here");
    const out = new Writer();
    out.string(held[0].sign(toSign, algorithmOf(held[0], flags)));
    this.sendResponse(AGENT_SIGN_RESPONSE, out.payload());
  }

  /** @throws BadKeyError for a key that is none, or of a type that cannot be added. */
  agentc_ADD_IDENTITY(data: Buffer): void {
    const from = new Reader(data);
    const key = Key.fromString(readPrivateFields(from).privateBlob(), "private_blob");
    const comment = from.remaining === 0 ? "" : from.text();
    from.end();
    this.#keys.set(idOf(key.blob()), [key, comment]);
    this.sendResponse(AGENT_SUCCESS, "");
  }

  agentc_REMOVE_IDENTITY(data: Buffer): void {
    const from = new Reader(data);
    const id = idOf(from.string());
    from.end();
    if (!this.#keys.delete(id)) throw new ConchError("a removal of a key that is not here");
    this.sendResponse(AGENT_SUCCESS, "");
  }

  agentc_REMOVE_ALL_IDENTITIES(data: Buffer): void {
    new Reader(data).end();
    this.#keys.clear();
    this.sendResponse(AGENT_SUCCESS, "");
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

  #request(number: number, body: Buffer): void {
    const name = messages.get(number);
    if (name === undefined) return this.sendResponse(AGENT_FAILURE, "");
    if (this.factory?.keys == null) {
      this.sendResponse(AGENT_FAILURE, "");
      throw new MissingKeyStoreError();
    }
    try {
      (this as unknown as Record<string, (data: Buffer) => void>)[`agentc_${name}`]!(body);
    } catch (error) {
      if (!(error instanceof ConchError || error instanceof BadKeyError || error instanceof ProtocolError)) throw error;
      log.info("refused {name}: {why}", { name, why: error.message });
      this.sendResponse(AGENT_FAILURE, "");
    }
  }

  get #keys(): AgentKeys {
    return this.factory!.keys!;
  }
}

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
