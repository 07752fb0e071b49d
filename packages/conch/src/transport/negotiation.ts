/** Choosing algorithms from two KEXINITs (RFC 4253 section 7.1): the first name of the client's that the server has. */
import { ciphers, macs, type CipherAlgorithm, type MacAlgorithm } from "../codec/algorithms.js";
import { isCompression, type Compression } from "../codec/compression.js";
import { KeyExchangeError, ProtocolError } from "../error.js";
import type { Method } from "../kex/method.js";
import { methods } from "../kex/methods.js";
import type { KexInit } from "../messages/transport.js";
import type { Given, Values } from "../wire/fields.js";

export type Offer = Values<typeof KexInit.fields>;
/** One of ours, whose lists may be the application's own. */
export type OwnOffer = Given<typeof KexInit.fields>;

export const EXT_INFO_CLIENT = "ext-info-c";
export const EXT_INFO_SERVER = "ext-info-s";
export const STRICT_CLIENT = "kex-strict-c-v00@openssh.com";
export const STRICT_SERVER = "kex-strict-s-v00@openssh.com";

/** What stands in a list of key exchanges without being one. */
const MARKERS: ReadonlySet<string> = new Set([EXT_INFO_CLIENT, EXT_INFO_SERVER, STRICT_CLIENT, STRICT_SERVER]);

export interface Algorithms {
  readonly keyExchange: Method;
  readonly hostKey: string;
  readonly toServer: DirectionAlgorithms;
  readonly toClient: DirectionAlgorithms;
  /** The client sent a first message of the exchange on a guess, and guessed wrong: it is to be skipped. */
  readonly wrongGuess: boolean;
}

export interface DirectionAlgorithms {
  readonly cipher: CipherAlgorithm;
  readonly mac: MacAlgorithm | null;
  readonly compression: Compression;
}

/** @throws KeyExchangeError where there is no common name in a category. */
export function negotiate(client: OwnOffer, server: OwnOffer): Algorithms {
  const keyExchange = choose("key exchange", client.keyExchanges, server.keyExchanges);
  const method = methods.get(keyExchange);
  if (method === undefined) throw new KeyExchangeError(`key exchange ${keyExchange} is listed, and unknown`);
  const hostKey = choose("host key", client.hostKeys, server.hostKeys);
  const toServer = direction(
    "client to server",
    [client.ciphersToServer, client.macsToServer, client.compressionsToServer],
    [server.ciphersToServer, server.macsToServer, server.compressionsToServer],
  );
  const toClient = direction(
    "server to client",
    [client.ciphersToClient, client.macsToClient, client.compressionsToClient],
    [server.ciphersToClient, server.macsToClient, server.compressionsToClient],
  );
  const wrongGuess = client.keyExchanges[0] !== server.keyExchanges[0] || client.hostKeys[0] !== server.hostKeys[0];
  return { keyExchange: method, hostKey, toServer, toClient, wrongGuess };
}

type Lists = readonly [ciphers: readonly string[], macs: readonly string[], compressions: readonly string[]];

function direction(way: string, client: Lists, server: Lists): DirectionAlgorithms {
  const name = choose(`${way} cipher`, client[0], server[0]);
  const cipher = ciphers.get(name);
  if (cipher === undefined) throw new KeyExchangeError(`cipher ${name} is listed, and unknown`);
  let mac: MacAlgorithm | null = null;
  if (!cipher.aead) {
    const macName = choose(`${way} MAC`, client[1], server[1]);
    mac = macs.get(macName) ?? null;
    if (mac === null) throw new KeyExchangeError(`MAC ${macName} is listed, and unknown`);
  }
  const compression = choose(`${way} compression`, client[2], server[2]);
  if (!isCompression(compression)) throw new KeyExchangeError(`compression ${compression} is listed, and unknown`);
  return { cipher, mac, compression };
}

/** As the server has it: what a client sent is a part of its whole KEXINIT, which the name would hold on to. */
function choose(what: string, client: readonly string[], server: readonly string[]): string {
  for (const name of client) {
    const at = server.indexOf(name);
    if (at !== -1 && !MARKERS.has(name)) return server[at]!;
  }
  throw new KeyExchangeError(`couldn't match all kex parts: no common ${what}`);
}

const NAME = /^[!-+\--~]{1,64}$/; // printable ASCII without the comma
const MAX_LIST = 8192; // bytes

/**
 * Languages are not looked at, and one comma may end a list: libssh 0.10, Debian 12's, ends those of its ciphers so.
 *
 * @throws ProtocolError for a name that RFC 4251 section 6 does not allow.
 */
export function checkNames(offer: Offer): void {
  const lists = [
    offer.keyExchanges,
    offer.hostKeys,
    offer.ciphersToServer,
    offer.ciphersToClient,
    offer.macsToServer,
    offer.macsToClient,
    offer.compressionsToServer,
    offer.compressionsToClient,
  ];
  for (const list of lists) {
    let bytes = 0;
    const names = list.at(-1) === "" ? list.slice(0, -1) : list;
    for (const name of names) {
      if (!NAME.test(name)) throw new ProtocolError(`an algorithm is named ${JSON.stringify(name.slice(0, 64))}`);
      bytes += name.length + 1;
    }
    if (bytes > MAX_LIST) throw new ProtocolError(`a list of algorithms has ${bytes} bytes`);
  }
}
