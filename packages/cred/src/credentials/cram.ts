/** CRAM-MD5: a challenge answered with a hash of it and of the password (RFC 2195). */
import { createHmac, randomInt } from "node:crypto";
import { classImplements } from "@strombus/reactor/components";
import { ValueError } from "@strombus/reactor/exceptions";
import type { BytesLike } from "@strombus/reactor/interfaces";
import { sameBytes } from "../compare.js";
import { hide } from "../hide.js";
import { IUsernameHashedPassword } from "./interfaces.js";

const ANSWER = /^[ \t\n\r\v\f]*([^ \t\n\r\v\f]+)[ \t\n\r\v\f]+([^ \t\n\r\v\f][^]*)$/;

/** One dialogue: `getChallenge` goes to the client, `setResponse` takes its answer, then the checker has its turn. */
export class CramMD5Credentials implements IUsernameHashedPassword {
  username: string | null = null;
  challenge = "";
  response = "";

  /** @param host our name, which the challenge shows; default "localhost". */
  constructor(readonly host: string | null = null) {
    hide(this, "response");
  }

  /** `<random.seconds@host>`, the same at every call. */
  getChallenge(): string {
    this.challenge ||= `<${randomInt(2 ** 31 - 1)}.${Math.floor(Date.now() / 1000)}@${this.host ?? "localhost"}>`;
    return this.challenge;
  }

  /** @throws ValueError unless the answer is a name, white space and the response. */
  setResponse(response: BytesLike): void {
    const [, username, digest] = ANSWER.exec(Buffer.from(response).toString()) ?? [];
    if (username === undefined || digest === undefined) throw new ValueError("a CRAM-MD5 response has two words");
    this.username = username;
    this.response = digest;
  }

  moreChallenges(): boolean {
    return false;
  }

  checkPassword(password: BytesLike): boolean {
    return sameBytes(createHmac("md5", password).update(this.challenge).digest("hex"), this.response);
  }
}
classImplements(CramMD5Credentials, IUsernameHashedPassword);
