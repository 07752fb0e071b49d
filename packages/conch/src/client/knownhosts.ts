/** The keys that hosts are known by (twisted.conch.client.knownhosts). */
export { type Console, ConsoleUI } from "./console.js";
export { HashedEntry, MarkedEntry, PlainEntry, UnparsedEntry } from "./known-host-entries.js";
export { KnownHostsFile, type KnownHostsUI } from "./known-hosts-file.js";
