/** The login of an endpoint: with the keys and the password that it was given, each once. */
import type { MaybeLater } from "../interfaces.js";
import type { SSHAgentClient } from "../client/agent.js";
import { peerLog } from "../peer-log.js";
import type { Key } from "../ssh/keys.js";
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
  #agentAsked = false;
  /** The agent's keys that were offered. */
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
    if (!this.#agentAsked) await this.#askAgent();
    const next = this.#agent?.getPublicKey() ?? null;
    if (next === null) return this.#keys[this.#offered++]?.public() ?? null;
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

  /** An agent that will not tell has no keys. */
  async #askAgent(): Promise<void> {
    this.#agentAsked = true;
    try {
      await this.#agent?.getPublicKeys();
    } catch (error) {
      peerLog(log, this.transport).info("the agent has no keys for us: {why}", { why: shown(String(error)) });
    }
  }
}
