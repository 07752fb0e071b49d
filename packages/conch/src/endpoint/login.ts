/** The login of an endpoint: with the keys and the password that it was given, each once. */
import type { MaybeLater } from "../interfaces.js";
import type { SSHAgentClient } from "../agent/client.js";
import { peerLog } from "../peer-log.js";
import { Key } from "../ssh/keys.js";
import type { SSHConnection } from "../ssh/connection.js";
import { SSHUserAuthClient } from "../userauth/client.js";
import { log, shown } from "../userauth/events.js";

export interface LoginOptions {
  /** Private keys, in the order in which they are offered. */
  readonly keys: readonly Key[];
  readonly password: string | null;
  /** An agent, whose keys come before these. */
  readonly agent: SSHAgentClient | null;
}

export class EndpointLogin extends SSHUserAuthClient {
  readonly #keys: readonly Key[];
  readonly #agent: SSHAgentClient | null;
  readonly #password: string | null;
  /** The methods that the password was used for. */
  readonly #used = new Set<string>();
  /** The agent's keys, once it was asked. */
  #agentKeys: Key[] | null = null;
  /** Those of them that were offered. */
  readonly #agents = new Set<Key>();
  /** How many of our own were. */
  #offered = 0;

  constructor(user: string, connection: SSHConnection, { keys, password, agent }: LoginOptions) {
    super(user, connection);
    this.#keys = keys;
    this.#password = password;
    this.#agent = agent;
  }

  override async getPublicKey(): Promise<Key | null> {
    this.#agentKeys ??= await this.#askAgent();
    const next = this.#agentKeys.shift();
    if (next === undefined) return this.#keys[this.#offered++]?.public() ?? null;
    this.#agents.add(next);
    return next;
  }

  override signData(publicKey: Key, data: Buffer, algorithm: string): MaybeLater<Uint8Array> | null {
    if (this.#agent !== null && this.#agents.has(publicKey)) {
      return this.#agent.signData(publicKey.blob(), data, algorithm);
    }
    const key = this.#keys.find((each) => each.public().equals(publicKey));
    return key?.sign(data, algorithm) ?? null;
  }

  override getPassword(prompt: string | null = null): MaybeLater<string> | null {
    // A server that wants another password has nobody here to think of one.
    return prompt === null ? this.#passwordFor("password") : null;
  }

  /** Servers that ask for the password in this way alone are many. */
  override getGenericAnswers(
    _name: string,
    _instruction: string,
    prompts: [prompt: string, echo: boolean][],
  ): MaybeLater<readonly string[]> | null {
    if (prompts.length === 0) return [];
    if (prompts.length > 1 || prompts[0]![1]) return null;
    const password = this.#passwordFor("keyboard-interactive");
    return password === null ? null : [password];
  }

  #passwordFor(method: string): string | null {
    if (this.#used.has(method)) return null;
    this.#used.add(method);
    return this.#password;
  }

  /** An agent that does not answer has no keys, and what it has of a type that is not known is left out. */
  async #askAgent(): Promise<Key[]> {
    if (this.#agent === null) return [];
    try {
      const identities = await this.#agent.requestIdentities();
      return identities.flatMap(([blob]) => readable(blob));
    } catch (error) {
      peerLog(log, this.transport).info("the agent has no keys for us: {why}", { why: shown(String(error)) });
      return [];
    }
  }
}

function readable(blob: Buffer): Key[] {
  try {
    return [Key.fromString(blob, "blob")];
  } catch {
    return [];
  }
}
