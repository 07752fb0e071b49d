/** Keys as they travel: public blobs, private blobs (of the agent and of openssh-key-v1), agentv3. */
import type { KeyObject } from "node:crypto";
import { Reader } from "../wire/reader.js";
import { Writer } from "../wire/writer.js";
import { DSAMaterial } from "./dsa.js";
import { ECMaterial } from "./ecdsa.js";
import { ED25519, ED448, EdwardsMaterial } from "./edwards.js";
import { BadKeyError } from "./errors.js";
import type { KeyMaterial } from "./material.js";
import { MLDSA44_ED25519, MLDSA44Ed25519Material } from "./mldsa44-ed25519.js";
import { readPositive, toBigInt } from "./numbers.js";
import { RSAMaterial } from "./rsa.js";
import { SK_ECDSA, SK_ED25519, SecurityKeyMaterial } from "./sk.js";

type ReadKey = (from: Reader, sshType: string, blob: Buffer) => KeyMaterial;

const PUBLIC: ReadonlyMap<string, ReadKey> = new Map<string, ReadKey>([
  ["ssh-ed25519", (from) => EdwardsMaterial.readPublic(ED25519, from)],
  ["ssh-ed448", (from) => EdwardsMaterial.readPublic(ED448, from)],
  [MLDSA44_ED25519, (from) => MLDSA44Ed25519Material.readPublic(from)],
  ["ecdsa-sha2-nistp256", (from, name) => ECMaterial.readPublic(from, name)],
  ["ecdsa-sha2-nistp384", (from, name) => ECMaterial.readPublic(from, name)],
  ["ecdsa-sha2-nistp521", (from, name) => ECMaterial.readPublic(from, name)],
  ["ssh-rsa", (from) => RSAMaterial.readPublic(from)],
  ["ssh-dss", (from) => DSAMaterial.readPublic(from)],
  [SK_ED25519, (from, name, blob) => SecurityKeyMaterial.readPublic(from, name, blob)],
  [SK_ECDSA, (from, name, blob) => SecurityKeyMaterial.readPublic(from, name, blob)],
]);

const inItsDevice: ReadKey = () => {
  throw new BadKeyError("the private half of a security key is in its device; the public half is in the .pub file");
};

const PRIVATE: ReadonlyMap<string, ReadKey> = new Map<string, ReadKey>([
  ["ssh-ed25519", (from) => EdwardsMaterial.readPrivate(ED25519, from)],
  ["ssh-ed448", (from) => EdwardsMaterial.readPrivate(ED448, from)],
  [MLDSA44_ED25519, (from) => MLDSA44Ed25519Material.readPrivate(from)],
  ["ecdsa-sha2-nistp256", (from, name) => ECMaterial.readPrivate(from, name)],
  ["ecdsa-sha2-nistp384", (from, name) => ECMaterial.readPrivate(from, name)],
  ["ecdsa-sha2-nistp521", (from, name) => ECMaterial.readPrivate(from, name)],
  ["ssh-rsa", (from) => RSAMaterial.readPrivate(from)],
  ["ssh-dss", (from) => DSAMaterial.readPrivate(from)],
  [SK_ED25519, inItsDevice],
  [SK_ECDSA, inItsDevice],
]);

const AGENT_V3: ReadonlyMap<string, ReadKey> = new Map<string, ReadKey>([
  ["ssh-rsa", readAgentRsa],
  ["ssh-dss", (from) => DSAMaterial.readPrivate(from)],
]);

/** @throws BadKeyError or ProtocolError when the blob is not exactly one key. */
export function readBlob(blob: Buffer): KeyMaterial {
  return readWhole(PUBLIC, blob);
}

export function readPrivateBlob(blob: Buffer): KeyMaterial {
  return readWhole(PRIVATE, blob);
}

export function readAgentV3(blob: Buffer): KeyMaterial {
  return readWhole(AGENT_V3, blob);
}

/** Reads one private key and leaves `from` behind it, for what has more to follow. */
export function readPrivateFields(from: Reader): KeyMaterial {
  return readNamed(PRIVATE, from, Buffer.alloc(0));
}

/** @throws BadKeyError unless the key is a private RSA or DSA key. */
export function writeAgentV3(key: KeyMaterial): Buffer {
  if (key.isPublic) throw new BadKeyError("agentv3 is a form of private keys");
  if (key.type === "DSA") return key.privateBlob();
  if (key.type !== "RSA") throw new BadKeyError(`agentv3 has no form for keys of type ${key.sshType}`);
  const { e, d, n, u, p, q } = key.data() as Record<string, bigint>;
  const out = new Writer(2048);
  out.string("ssh-rsa");
  for (const each of [e, d, n, u, p, q]) out.mpint(each!);
  return out.payload();
}

/** @throws BadKeyError when SSH has no form for it. */
export function fromKeyObject(key: KeyObject): KeyMaterial {
  switch (key.asymmetricKeyType) {
    case "rsa":
      return RSAMaterial.fromKeyObject(key);
    case "dsa":
      return DSAMaterial.fromKeyObject(key);
    case "ec":
      return ECMaterial.fromKeyObject(key);
    case "ed25519":
      return EdwardsMaterial.fromKeyObject(ED25519, key);
    case "ed448":
      return EdwardsMaterial.fromKeyObject(ED448, key);
    default:
      throw new BadKeyError(`SSH has no form for keys of type ${String(key.asymmetricKeyType)}`);
  }
}

function readWhole(table: ReadonlyMap<string, ReadKey>, blob: Buffer): KeyMaterial {
  const from = new Reader(blob);
  const key = readNamed(table, from, blob);
  from.end();
  return key;
}

function readNamed(table: ReadonlyMap<string, ReadKey>, from: Reader, blob: Buffer): KeyMaterial {
  const name = from.text();
  const read = table.get(name);
  if (!read) throw unknown(name);
  return read(from, name, blob);
}

function readAgentRsa(from: Reader): KeyMaterial {
  const number = (): bigint => toBigInt(readPositive(from));
  const [e, d, n] = [number(), number(), number()];
  number(); // u, which follows from p and q
  const [p, q] = [number(), number()];
  return RSAMaterial.fromNumbers(n, e, { d, p, q });
}

function unknown(name: string): BadKeyError {
  return new BadKeyError(`unknown key type ${JSON.stringify(name.slice(0, 64))}`);
}
