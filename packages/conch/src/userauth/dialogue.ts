/** Questions to the user, and their answers (RFC 4256). */
import { isUtf8 } from "node:buffer";
import type { Question } from "@strombus/cred/credentials";
import { UnauthorizedLogin } from "@strombus/cred/error";
import { Deferred } from "@strombus/reactor/defer";
import { UserauthInfoRequest, UserauthInfoResponse } from "../messages/userauth.js";

export type { Question as Prompt };

/** One USERAUTH_INFO_REQUEST that waits for its answers. */
export class Dialogue {
  /** Fires with as many answers as there were prompts, or fails. */
  readonly answers = new Deferred<string[]>();
  readonly #prompts: readonly Question[];
  readonly #maxLength: number;

  /** @param maxLength of an answer, in bytes */
  constructor(prompts: readonly Question[], maxLength: number) {
    this.#prompts = prompts;
    this.#maxLength = maxLength;
  }

  /** The body of the request. */
  encode(name: string, instruction: string): Buffer {
    const prompts = this.#prompts.map(([prompt, echo]) => ({ prompt, echo }));
    return UserauthInfoRequest.encode({ name, instruction, language: "", prompts });
  }

  /** Takes the body of the response. One that is malformed fails with ProtocolError, one that does not fit as a login does. */
  take(packet: Buffer): void {
    let answers: Buffer[];
    try {
      answers = UserauthInfoResponse.decode(packet).answers.map(({ answer }) => answer);
    } catch (error) {
      return this.answers.errback(error);
    }
    const sound = answers.every((answer) => answer.length <= this.#maxLength && isUtf8(answer));
    if (answers.length !== this.#prompts.length || !sound) {
      return this.answers.errback(new UnauthorizedLogin("answers that do not fit the questions"));
    }
    this.answers.callback(answers.map((answer) => answer.toString("utf8")));
  }
}
