/** The login of a program: by the user's agent and key files, and by questions (twisted.conch.client.default). */
import { existsSync } from "node:fs";
import { reactor as processReactor } from "@strombus/reactor";
import { maybeDeferred } from "@strombus/reactor/defer";
import { connectProtocol, UNIXClientEndpoint } from "@strombus/reactor/endpoints";
import { SystemExit } from "@strombus/reactor/exceptions";
import type { IReactorUNIX } from "@strombus/reactor/interfaces";
import { ConchError } from "../error.js";
import type { MaybeLater } from "../interfaces.js";
import { contentOf } from "../keys/file.js";
import { peerLog } from "../peer-log.js";
import { EncryptedKeyError, Key } from "../ssh/keys.js";
import { DISCONNECT_AUTH_CANCELLED_BY_USER, type TransportService } from "../ssh/transport.js";
import { SSHUserAuthClient as Client } from "../userauth/client.js";
import { log, shown } from "../userauth/events.js";
import type { BytesLike } from "../wire/writer.js";
import { SSHAgentClient } from "./agent.js";
import { expandUser } from "./home.js";
import type { ConchOptions } from "./options.js";
import { type Questions, TerminalQuestions } from "./questions.js";
import { shownLines } from "./shown.js";

const DEFAULT_IDENTITIES = ["id_ed25519", "id_ecdsa", "id_rsa", "id_dsa"].map((name) => `~/.ssh/${name}`);
const PASSPHRASE_TRIES = 3;

export interface UserAuthOptions {
  /** Connects to the agent. Default: the process's. */
  readonly reactor?: IReactorUNIX;
  /** Default: at the terminal. */
  readonly questions?: Questions;
}

/**
 * Offers the keys of the agent at SSH_AUTH_SOCK, then those of the files `options.identitys`, by default the usual ones in
 * `~/.ssh`; passphrases, passwords and what else the server wants to know the user is asked. What the server says is
 * escaped before it is shown.
 */
export class SSHUserAuthClient extends Client {
  /** The agent, while it is there. */
  keyAgent: SSHAgentClient | null = null;
  readonly options: ConchOptions;
  /** Those of `options.identitys` that had their turn. */
  usedFiles: string[] = [];
  readonly #reactor: IReactorUNIX;
  readonly #questions: Questions;
  /** Private keys that were read already, by the name of their file. */
  readonly #read = new Map<string, Key>();
  /** Nobody is to be asked any more. */
  #over = false;

  constructor(
    user: BytesLike,
    options: ConchOptions,
    instance: TransportService,
    { reactor = processReactor, questions = new TerminalQuestions() }: UserAuthOptions = {},
  ) {
    super(user, instance);
    this.options = options;
    if (options.identitys.length === 0) options.identitys = [...DEFAULT_IDENTITIES];
    this.#reactor = reactor;
    this.#questions = questions;
  }

  override serviceStarted(): void {
    this.#over = false;
    this.usedFiles = [];
    const path = process.env["SSH_AUTH_SOCK"] ?? "";
    if (path === "" || this.options.isSet("noagent")) return super.serviceStarted();
    maybeDeferred(() => this.#useAgent(path)).addCallback(() => {
      if (!this.#over) super.serviceStarted();
    });
  }

  override serviceStopped(): void {
    this.#over = true;
    this.#questions.close();
    this.keyAgent?.transport?.loseConnection();
    this.keyAgent = null;
    super.serviceStopped();
  }

  override receiveBanner(message: string, language: string): void {
    super.receiveBanner(message, language);
    this.#questions.tell(line(message));
  }

  /** Passes over what the user has left out. */
  override tryAuth(kind: string): unknown {
    const wanted = this.options.names("user-authentications");
    return wanted === null || wanted.includes(kind) ? super.tryAuth(kind) : null;
  }

  override getPublicKey(): MaybeLater<Key | null> {
    return this.keyAgent?.getPublicKey() ?? this.#nextOfFiles();
  }

  override signData(publicKey: Key, data: Buffer, algorithm = ""): MaybeLater<Uint8Array> | null {
    // The agent's keys come before all files.
    if (this.keyAgent !== null && this.usedFiles.length === 0) {
      return this.keyAgent.signData(publicKey.blob(), data, algorithm);
    }
    return super.signData(publicKey, data, algorithm);
  }

  /** Of the file that had the last turn; null where there is none. Rejects with ConchError after three wrong passphrases. */
  override getPrivateKey(): MaybeLater<Key> | null {
    const name = this.usedFiles.at(-1);
    return name === undefined || !existsSync(expandUser(name)) ? null : this.#privateKey(name);
  }

  /** Rejects with ConchError when the user does not answer. */
  override getPassword(prompt: string | null = null): MaybeLater<string> {
    return this.#ask(prompt ?? `${this.user}@${this.#peer()}'s password: `, false);
  }

  override async getGenericAnswers(
    name: string,
    instruction: string,
    prompts: [prompt: string, echo: boolean][],
  ): Promise<string[]> {
    for (const text of [name, instruction]) if (text !== "") this.#questions.tell(line(text));
    const answers: string[] = [];
    for (const [prompt, echo] of prompts) answers.push(await this.#ask(prompt, echo));
    return answers;
  }

  /** Without an agent, or its answer, it goes on. */
  async #useAgent(path: string): Promise<void> {
    try {
      const agent = await connectProtocol(new UNIXClientEndpoint(this.#reactor, path), new SSHAgentClient());
      if (this.#over) return agent.transport?.loseConnection();
      this.keyAgent = agent;
      await agent.getPublicKeys();
    } catch (error) {
      peerLog(log, this.transport).info("the agent has no keys for us: {why}", { why: shown(String(error)) });
    }
  }

  async #nextOfFiles(): Promise<Key | null> {
    for (const name of this.options.identitys) {
      if (this.usedFiles.includes(name) || this.#over) continue;
      this.usedFiles.push(name);
      try {
        return await this.#publicKey(name);
      } catch (error) {
        log.debug("{file} has no key for us: {why}", { file: name, why: shown(String(error)) });
      }
    }
    return null;
  }

  /** That of the file beside it; where there is none, the half of the private one. */
  async #publicKey(name: string): Promise<Key> {
    const beside = `${expandUser(name)}.pub`;
    return existsSync(beside) ? Key.fromFile(beside).public() : (await this.#privateKey(name)).public();
  }

  async #privateKey(name: string): Promise<Key> {
    const key = this.#read.get(name) ?? (await this.#decrypted(name));
    this.#read.set(name, key);
    return key;
  }

  async #decrypted(name: string): Promise<Key> {
    const content = contentOf(expandUser(name));
    try {
      return Key.fromString(content);
    } catch (error) {
      if (!(error instanceof EncryptedKeyError)) throw error;
    }
    let wrong: unknown;
    for (let tries = 0; tries < PASSPHRASE_TRIES; tries++) {
      const passphrase = await this.#ask(`Enter passphrase for key '${name}': `, false);
      try {
        return Key.fromString(content, { passphrase });
      } catch (error) {
        wrong = error;
      }
    }
    throw new ConchError("bad password", null, { cause: wrong });
  }

  /** Ctrl-C ends the login. */
  async #ask(prompt: string, echo: boolean): Promise<string> {
    if (this.#over) throw new ConchError("PEBKAC");
    try {
      return await this.#questions.ask(shownLines(prompt), echo);
    } catch (cause) {
      if (cause instanceof SystemExit) {
        this.#over = true;
        this.transport?.sendDisconnect(DISCONNECT_AUTH_CANCELLED_BY_USER, "cancelled by the user");
      }
      throw new ConchError("PEBKAC", null, { cause });
    }
  }

  #peer(): string {
    const { address } = this.transport!.getPeer();
    return (address as { readonly host?: string }).host ?? "the server";
  }
}

/** What the server says, with its end. */
function line(text: string): string {
  const lines = shownLines(text);
  return lines.endsWith("\n") ? lines : `${lines}\n`;
}
