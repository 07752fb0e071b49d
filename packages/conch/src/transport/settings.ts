/**
 * What an application may set on a transport, on an instance or in a subclass, before its connection is made: names,
 * algorithms, limits, and what recorders and honeypots need. Lists are best first.
 */
import { reactor } from "@strombus/reactor";
import type { IReactorTime } from "@strombus/reactor/interfaces";
import { Protocol } from "@strombus/reactor/protocol";
import {
  algorithmLists,
  DEFAULT_CIPHERS,
  DEFAULT_HOST_KEY_ALGORITHMS,
  DEFAULT_KEY_EXCHANGES,
  DEFAULT_MACS,
  type AlgorithmChoice,
  type AlgorithmLists,
} from "./algorithms.js";
import type { PacketTap } from "./tap.js";

export const VERSION = "Strombus_0.1.0";

// One for all connections.
const VERSIONS: readonly string[] = ["1.99", "2.0"];
const COMPRESSIONS: readonly string[] = ["none"];
const LANGUAGES: readonly string[] = [];

/** When our KEXINIT goes out: at once, behind the peer's version line, or as the answer to its KEXINIT. */
export type KexInitMoment = "connected" | "versionReceived" | "kexInitReceived";

export abstract class TransportSettings extends Protocol {
  readonly protocolVersion = "2.0" as string;
  readonly version = VERSION as string;
  readonly comment = "" as string;
  /**
   * What is sent as our version, without its line end, one character a byte. Peers expect `SSH-2.0-`, then printable
   * ASCII, 253 bytes at most; what they may make of anything else is for whoever sets it to find out.
   */
  ourVersionString = `SSH-2.0-${VERSION}`;
  supportedVersions: readonly string[] = VERSIONS;
  supportedCiphers: readonly string[] = DEFAULT_CIPHERS;
  supportedMACs: readonly string[] = DEFAULT_MACS;
  supportedKeyExchanges: readonly string[] = DEFAULT_KEY_EXCHANGES;
  /** Host key algorithms. */
  supportedPublicKeys: readonly string[] = DEFAULT_HOST_KEY_ALGORITHMS;
  supportedCompressions: readonly string[] = COMPRESSIONS;
  supportedLanguages: readonly string[] = LANGUAGES;
  isClient = false;

  /** Whatever tells the time and calls later. */
  clock: IReactorTime = reactor;
  /** Seconds from the connection's start to the peer's version line, and to the end of the first key exchange. */
  identificationTimeout = 10;
  exchangeTimeout = 30;
  /** Seconds from the connection's start until a service must run; how long a login may take is its service's rule. */
  serviceTimeout = 120;
  /** Seconds that a later key exchange may take, from the first KEXINIT of either side. */
  rekeyTimeout = 60;
  /** Seconds for which a peer may take none of what waits for it. */
  writeStallTimeout = 60;
  /** Seconds after a DISCONNECT until the connection is cut. */
  closeTimeout = 5;
  /**
   * A rekey is due after so many bytes or packets in one direction, or so many seconds (RFC 4253 section 9, RFC 4344);
   * looked at when something comes in and when channel data goes out.
   */
  rekeyBytes = 2 ** 30;
  rekeyPackets = 2 ** 31;
  rekeySeconds = 3600;

  /**
   * When our KEXINIT is sent, which may be changed until then, as the algorithms may. Two peers that both wait for the
   * other's KEXINIT wait until their deadline. What a server sends on a socket leaves it with the client's KEXINIT, or
   * after 2 ms.
   */
  kexInitMoment: KexInitMoment = "connected";
  /** Sees every packet, in the clear; see {@link PacketTap}. */
  packetTap: PacketTap | null = null;
  /** Tell the peer what was wrong with its input, by DISCONNECT, before closing for it; else close without a word. */
  disconnectOnError = true;

  /**
   * Sets all lists at once, by a profile or by lists of your own.
   * @throws ValueError for a name that we do not know.
   */
  useAlgorithms(choice: AlgorithmChoice): void {
    this.setAlgorithms(algorithmLists(choice, this.isClient));
  }

  protected setAlgorithms({ keyExchanges, hostKeys, ciphers, macs, compressions }: AlgorithmLists): void {
    this.supportedKeyExchanges = keyExchanges;
    this.supportedPublicKeys = hostKeys;
    this.supportedCiphers = ciphers;
    this.supportedMACs = macs;
    this.supportedCompressions = compressions;
  }
}
