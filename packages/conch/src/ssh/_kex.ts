/** Key exchange methods by name (twisted.conch.ssh._kex). Which of them a transport offers is its own list. */
import { createDiffieHellmanGroup, createHash, type Hash } from "node:crypto";
import { ConchError } from "../error.js";
import type { Method } from "../kex/method.js";
import { methods } from "../kex/methods.js";
import { PROFILES } from "../transport/algorithms.js";

/** What is known of one. */
export interface KexAlgorithm {
  /** The smaller, the better. */
  readonly preference: number;
  /** Makes a hash to be fed. */
  readonly hashProcessor: () => Hash;
  /** Of a fixed group. */
  readonly prime?: bigint;
  readonly generator?: bigint;
}

/** @throws ConchError for a name that there is none of. */
export function getKex(kexAlgorithm: string | null): KexAlgorithm {
  const method = methodOf(kexAlgorithm);
  const preference = [...methods.keys()].indexOf(method.name) + 1;
  const hashProcessor = (): Hash => createHash(method.hash);
  if (method.kind !== "fixedGroup") return { preference, hashProcessor };
  const group = createDiffieHellmanGroup(method.group);
  return { preference, hashProcessor, prime: toNumber(group.getPrime()), generator: toNumber(group.getGenerator()) };
}

/** By a curve, or by a hybrid with one. @throws ConchError */
export function isEllipticCurve(kexAlgorithm: string | null): boolean {
  return methodOf(kexAlgorithm).kind === "curve";
}

/** By Diffie-Hellman in a group that both sides know; what is neither this nor by a curve exchanges its group. @throws ConchError */
export function isFixedGroup(kexAlgorithm: string | null): boolean {
  return methodOf(kexAlgorithm).kind === "fixedGroup";
}

/** @throws ConchError */
export function getHashProcessor(kexAlgorithm: string | null): () => Hash {
  return getKex(kexAlgorithm).hashProcessor;
}

/** @throws ConchError for a name that there is none of, or whose group is not fixed. */
export function getDHGeneratorAndPrime(kexAlgorithm: string | null): [generator: bigint, prime: bigint] {
  const { generator, prime } = getKex(kexAlgorithm);
  if (generator === undefined || prime === undefined) {
    throw new ConchError(`${kexAlgorithm} has no group of its own`);
  }
  return [generator, prime];
}

/** Those that are sound, best first: what needs SHA-1 is for who asks for it by name. */
export function getSupportedKeyExchanges(): string[] {
  const sound = new Set(PROFILES.compat.keyExchanges);
  return [...methods.keys()].filter((name) => sound.has(name));
}

function methodOf(name: string | null): Method {
  const method = name === null ? undefined : methods.get(name);
  if (method === undefined) throw new ConchError(`unsupported key exchange algorithm: ${JSON.stringify(name)}`);
  return method;
}

function toNumber(bytes: Buffer): bigint {
  return BigInt(`0x${bytes.toString("hex")}`);
}
