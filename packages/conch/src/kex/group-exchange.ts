/**
 * What a group exchange settles before values are exchanged (RFC 4419 section 3): the client's request, as it travelled,
 * and the server's group. Both are hashed.
 */
import { KeyExchangeError } from "../error.js";
import { mpintFromMagnitude, Writer } from "../wire/writer.js";
import { checkBetween, pairModulo, positive } from "./group.js";
import type { Pair } from "./method.js";

/** Bits of a group that anyone may have (RFC 8270, rule K12). */
export const MIN_GROUP_BITS = 2048;
export const MAX_GROUP_BITS = 8192;

/** Bits of the modulus. */
export interface GroupSizes {
  readonly min: number;
  readonly preferred: number;
  readonly max: number;
}

export class GroupExchange {
  /** The body of the request. */
  readonly #request: Buffer;
  #agreed: { readonly pair: Pair; readonly prelude: Buffer } | null = null;

  constructor(request: Buffer) {
    this.#request = Buffer.from(request);
  }

  /**
   * The group: a modulus, which is believed to be a prime, and a generator, as mpints.
   * @throws KeyExchangeError unless it has the size and 1 < g < p - 1.
   */
  agree(primeMpint: Buffer, generatorMpint: Buffer, { min, max }: Pick<GroupSizes, "min" | "max">): void {
    const prime = Buffer.from(positive(primeMpint));
    const generator = Buffer.from(positive(generatorMpint));
    const bits = 8 * prime.length + 24 - Math.clz32(prime[0]!);
    if (bits < min || bits > max) {
      throw new KeyExchangeError(`a group of ${min} to ${max} bits was asked for, this one has ${bits}`);
    }
    if (prime.at(-1)! % 2 === 0) throw new KeyExchangeError("the modulus of the group is even");
    checkBetween(generator, prime);
    const prelude = new Writer(2 * prime.length);
    prelude.raw(this.#request);
    prelude.string(mpintFromMagnitude(prime));
    prelude.string(mpintFromMagnitude(generator));
    this.#agreed = { pair: pairModulo(prime, generator), prelude: prelude.payload() };
  }

  /** How values are exchanged in the group. */
  get pair(): Pair {
    return this.#agreed!.pair;
  }

  /** What is hashed before the values: request and group. */
  get prelude(): Buffer {
    return this.#agreed!.prelude;
  }
}

/**
 * Bits to serve for a request.
 * @throws KeyExchangeError for sizes that contradict each other, or none of which we serve.
 */
export function sizeToServe({ min, preferred, max }: GroupSizes): number {
  if (min > preferred || preferred > max) throw new KeyExchangeError("the sizes of the group contradict each other");
  if (min > MAX_GROUP_BITS || max < MIN_GROUP_BITS) throw new KeyExchangeError("no group of that size is served");
  return Math.min(Math.max(preferred, MIN_GROUP_BITS), MAX_GROUP_BITS);
}
