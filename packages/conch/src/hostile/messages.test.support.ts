/** Every message there is, and bodies for it by chance: valid ones made from its declaration, and damaged ones. */
import * as connection from "../messages/connection.js";
import * as kex from "../messages/kex.js";
import * as sftp from "../messages/sftp.js";
import * as transport from "../messages/transport.js";
import * as userauth from "../messages/userauth.js";
import type { AnyField, Fields } from "../wire/fields.js";
import type { Message } from "../wire/message.js";
import { Writer } from "../wire/writer.js";
import type { Chance } from "./chance.test.support.js";

export type AnyMessage = Pick<Message<string, Fields>, "name" | "number" | "fields">;

function declaredIn(...modules: readonly Readonly<Record<string, unknown>>[]): AnyMessage[] {
  const declared = modules.flatMap((each) => Object.values(each));
  return declared.filter((each): each is AnyMessage => typeof (each as Partial<AnyMessage>).number === "number");
}

export const MESSAGES: readonly AnyMessage[] = declaredIn(connection, kex, transport, userauth);

/** Those of SFTP, which go within the data of a channel. */
export const SFTP_MESSAGES: readonly AnyMessage[] = declaredIn(sftp);

/** Texts that mean something somewhere. */
const WORDS = [
  ...["", "session", "shell", "exec", "subsystem", "pty-req", "env", "exit-status", "signal", "window-change", "sftp"],
  ...["direct-tcpip", "tcpip-forward", "forwarded-tcpip", "auth-agent@openssh.com", "keepalive@openssh.com", "x11"],
  ...["ssh-userauth", "ssh-connection", "none", "password", "publickey", "keyboard-interactive", "hostbased", "user"],
  ...["constructor", "__proto__", "toString", "hostkeys-prove-00@openssh.com", "no-more-sessions@openssh.com"],
  ...["ssh-ed25519", "curve25519-sha256", "zlib@openssh.com", "aes128-ctr", "%s%n{0}", "../../etc/passwd", "\0\x1b[2J"],
];
const NUMBERS = [0, 1, 2, 3, 8, 255, 256, 32_768, 35_000, 2 ** 21, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1];

/** A body that its declaration admits. */
export function validBody(message: AnyMessage, chance: Chance): Buffer {
  const out = new Writer();
  for (const field of Object.values(message.fields)) write(out, field, chance);
  return out.payload();
}

/** A body cut short, prolonged, with changed bytes, or of nothing but chance. */
export function damaged(body: Uint8Array, chance: Chance): Buffer {
  const copy = Buffer.from(body);
  switch (chance.below(5)) {
    case 0:
      return copy.subarray(0, chance.below(copy.length + 1));
    case 1:
      return Buffer.concat([copy, chance.bytes(1 + chance.below(40))]);
    case 2:
      return chance.bytes(chance.below(200));
    case 3: // a length that lies
      if (copy.length >= 4) copy.writeUInt32BE(chance.pick(NUMBERS), chance.below(copy.length - 3));
      return copy;
    default:
      for (let n = 1 + chance.below(4); n > 0 && copy.length > 0; n--)
        copy[chance.below(copy.length)] = chance.below(256);
      return copy;
  }
}

/** A message of any kind: mostly one of those that are `likely` to be let in, with a body that it admits. */
export function anyMessage(chance: Chance, likely: readonly AnyMessage[] = []): [number: number, body: Buffer] {
  if (likely.length > 0 && chance.odds(0.97)) {
    const message = chance.pick(likely);
    const body = validBody(message, chance);
    return [message.number, chance.odds(0.02) ? damaged(body, chance) : body];
  }
  if (chance.odds(0.05)) return [chance.below(256), chance.bytes(chance.below(64))];
  const message = chance.pick(MESSAGES);
  const body = validBody(message, chance);
  return [message.number, chance.odds(0.2) ? damaged(body, chance) : body];
}

function write(out: Writer, field: AnyField, chance: Chance): void {
  const number = (): number => (chance.odds(0.7) ? chance.below(4) : chance.pick(NUMBERS));
  const word = (): string => chance.pick(WORDS);
  switch (field.kind) {
    case "byte":
      return out.byte(chance.below(256));
    case "boolean":
      return out.boolean(chance.odds(0.5));
    case "uint32":
      return out.uint32(number());
    case "uint64":
      return out.uint64(BigInt(number()));
    case "mpint":
      return out.mpint(BigInt(number()));
    case "bytes":
      return out.string(chance.odds(0.5) ? word() : chance.bytes(chance.below(80)));
    case "text":
    case "trailingText":
      return out.string(word());
    case "nameList":
      return out.string(Array.from({ length: chance.below(4) }, word).join(","));
    case "attributes": {
      const flags = chance.odds(0.9) ? chance.below(16) + 0x80000000 * chance.below(2) : chance.pick(NUMBERS);
      out.uint32(flags);
      if (flags & 1) out.uint64(BigInt(number()));
      for (const bit of [2, 2, 4, 8, 8]) if (flags & bit) out.uint32(number());
      if (flags & 0x80000000) write(out, { ...field, kind: "counted(text,bytes)" }, chance);
      return;
    }
    case "extensions":
      for (let n = chance.below(4); n > 0; n--) for (let part = 0; part < 2; part++) out.string(word());
      return;
    case "rest":
      if (chance.odds(0.5)) out.string(word());
      return out.raw(chance.bytes(chance.below(20)));
  }
  const rawLength = /^raw\((\d+)\)$/.exec(field.kind)?.[1];
  if (rawLength !== undefined) return out.raw(chance.bytes(Number(rawLength)));
  const kinds = /^counted\((.*)\)$/.exec(field.kind)?.[1]?.split(",");
  if (kinds === undefined) throw new Error(`no values for ${field.kind}`);
  const groups = chance.below(4);
  out.uint32(chance.odds(0.9) ? groups : chance.pick(NUMBERS));
  for (let n = 0; n < groups; n++) for (const kind of kinds) write(out, { ...field, kind }, chance);
}
