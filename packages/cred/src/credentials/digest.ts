/** HTTP digest authentication: challenges without state on the server, and the answers to them (RFC 2617 section 3). */
import { createHash, randomBytes } from "node:crypto";
import { classImplements } from "@strombus/reactor/components";
import type { BytesLike } from "@strombus/reactor/interfaces";
import { sameBytes } from "../compare.js";
import { calcHA1, calcHA2, calcResponse } from "../digest.js";
import { LoginFailed } from "../error.js";
import { hide } from "../hide.js";
import { IUsernameDigestHash, IUsernameHashedPassword } from "./interfaces.js";

/** What a server sends in WWW-Authenticate. */
export interface DigestChallenge {
  nonce: string;
  opaque: string;
  qop: "auth";
  algorithm: string;
  realm: string;
}

/** What follows `key=`, and the comma after it; a quoted value has no escapes and may hold commas. */
const VALUE = /(?:"([^"]*)"|([^,]+)),?/y;

/** A parsed answer to a challenge. What is wrong with its fields counts as a wrong password. */
export class DigestedCredentials implements IUsernameHashedPassword, IUsernameDigestHash {
  /**
   * @param method the HTTP method (or its like) of the request that was authorised.
   * @param realm the server's realm; the one among the fields is not trusted.
   * @param fields the answer's fields by name.
   */
  constructor(
    public username: string,
    readonly method: string,
    readonly realm: string,
    readonly fields: ReadonlyMap<string, string>,
  ) {
    hide(this, "fields");
  }

  checkPassword(password: BytesLike): boolean {
    return this.#agrees((algorithm, nonce, cnonce) =>
      calcHA1(algorithm, this.username, this.realm, password, nonce, cnonce),
    );
  }

  /** @param digestHash H(A1) in hex. */
  checkHash(digestHash: BytesLike): boolean {
    return this.#agrees((algorithm, nonce, cnonce) => calcHA1(algorithm, null, null, null, nonce, cnonce, digestHash));
  }

  #agrees(ha1: (algorithm: string, nonce: string | null, cnonce: string | null) => string): boolean {
    const field = (name: string): string | null => this.fields.get(name) ?? null;
    const algorithm = (field("algorithm") ?? "md5").toLowerCase();
    const qop = field("qop") ?? "auth";
    const nonce = field("nonce");
    const cnonce = field("cnonce");
    try {
      const HA1 = ha1(algorithm, nonce, cnonce);
      const HA2 = calcHA2(algorithm, this.method, field("uri"), qop, null);
      const expected = calcResponse(HA1, HA2, algorithm, nonce, field("nc"), cnonce, qop);
      return sameBytes(expected, field("response") ?? "");
    } catch {
      return false; // an unknown algorithm, or a field that is missing
    }
  }
}
classImplements(DigestedCredentials, IUsernameHashedPassword, IUsernameDigestHash);

/** Makes challenges, and credentials out of the answers. The `opaque` field carries, signed, all there is to remember. */
export class DigestCredentialFactory {
  /** Seconds for which a challenge may be answered. */
  readonly CHALLENGE_LIFETIME_SECS: number = 900;
  readonly scheme: string = "digest";
  /** Signs the opaque values of this factory. */
  privateKey: BytesLike = randomBytes(12);

  /** @param algorithm "md5" or "sha", in any case. */
  constructor(
    readonly algorithm: string,
    readonly authenticationRealm: string,
  ) {
    hide(this, "privateKey");
  }

  /** @param address the client's IP address; null or empty if there is none. */
  getChallenge(address: string | null): DigestChallenge {
    const nonce = this._generateNonce();
    const opaque = this._generateOpaque(nonce, address);
    return { nonce, opaque, qop: "auth", algorithm: this.algorithm, realm: this.authenticationRealm };
  }

  /**
   * Reads the value of an Authorization header, without the scheme.
   *
   * @throws LoginFailed if a field is missing, or the challenge is not ours, not this client's, or too old.
   */
  decode(response: BytesLike, method: string, host: string | null): DigestedCredentials {
    const fields = parseFields(Buffer.from(response).toString());
    const need = (name: string, what = name): string => {
      const value = fields.get(name);
      if (value === undefined) throw new LoginFailed(`Invalid response, no ${what} given.`);
      return value;
    };
    if (fields.get("username") === "") fields.delete("username");
    const username = need("username");
    const opaque = need("opaque");
    const nonce = need("nonce");
    this._verifyOpaque(opaque, nonce, host);
    return new DigestedCredentials(username, method, this.authenticationRealm, fields);
  }

  protected _generateNonce(): string {
    return randomBytes(12).toString("hex");
  }

  /** Seconds since the epoch. */
  protected _getTime(): number {
    return Date.now() / 1000;
  }

  protected _generateOpaque(nonce: string, clientip: string | null): string {
    const key = `${nonce},${clientip ?? ""},${Math.floor(this._getTime())}`;
    return `${this.#sign(key)}-${Buffer.from(key).toString("base64")}`;
  }

  protected _verifyOpaque(opaque: string, nonce: string, clientip: string | null): true {
    const [signature = "", encoded, ...more] = opaque.split("-");
    if (encoded === undefined || more.length > 0) throw new LoginFailed("Invalid response, invalid opaque value");
    const key = Buffer.from(encoded, "base64").toString();
    const [madeNonce, madeFor, madeAt, ...rest] = key.split(",");
    if (madeAt === undefined || rest.length > 0) throw new LoginFailed("Invalid response, invalid opaque value");
    if (madeNonce !== nonce) throw new LoginFailed("Invalid response, incompatible opaque/nonce values");
    if (madeFor !== (clientip ?? "")) throw new LoginFailed("Invalid response, incompatible opaque/client values");
    if (!/^-?\d+$/.test(madeAt)) throw new LoginFailed("Invalid response, invalid opaque/time values");
    if (Math.floor(this._getTime()) - Number(madeAt) > this.CHALLENGE_LIFETIME_SECS) {
      throw new LoginFailed("Invalid response, incompatible opaque/nonce too old");
    }
    if (!sameBytes(signature, this.#sign(key))) throw new LoginFailed("Invalid response, invalid opaque value");
    return true;
  }

  #sign(key: string): string {
    return createHash("md5").update(key).update(this.privateKey).digest("hex");
  }
}

/** One pass over what the peer wrote, however long it is. A key is what stands before "=", back to the last blank. */
function parseFields(response: string): Map<string, string> {
  const line = response.split(/\r\n|\r|\n/).join(" ");
  const fields = new Map<string, string>();
  for (let from = 0, equals; (equals = line.indexOf("=", from)) !== -1;) {
    const before = line.slice(from, equals);
    const key = before.slice(before.lastIndexOf(" ") + 1);
    VALUE.lastIndex = equals + 1;
    const value = key === "" ? null : VALUE.exec(line);
    if (value) fields.set(key.trim(), (value[1] ?? value[2] ?? "").trim());
    from = value ? VALUE.lastIndex : equals + 1;
  }
  return fields;
}
