/** Keys that may be used for some logins only (OpenSSH's PROTOCOL.agent, section 1; `ssh-add -h`). */
import { Certificate } from "../keys/certificate.js";
import { BadKeyError, Key } from "../ssh/keys.js";
import { ProtocolError } from "../error.js";
import { matchesPattern } from "../permissions/pattern.js";
import { bytes } from "../wire/fields.js";
import { layout } from "../wire/message.js";
import { Reader } from "../wire/reader.js";
import { Writer } from "../wire/writer.js";

/** The constraint's name. */
export const RESTRICT_DESTINATION = "restrict-destination-v00@openssh.com";

const MAX_DESTINATIONS = 1024;
const MAX_KEYS = 1024; // of one host

/** A host, by what it shows: one of its keys, or a certificate of one of its authorities. */
export interface Hop {
  readonly hostname: string;
  readonly keys: readonly { readonly key: Key; readonly isAuthority: boolean }[];
  /** A pattern of the user who is logged in there; without it, anybody. */
  readonly user?: string | null;
}

/** One way that a key may be used: from here (null) or a host that the agent is forwarded to, on to another host. */
export interface Destination {
  readonly from: Hop | null;
  readonly to: Hop;
}

/** A connection of which a client has shown that it leads to this server. */
export interface SessionBinding {
  readonly hostKey: Key;
  /** Null where the host showed a key alone. */
  readonly certificate: Certificate | null;
  /** What the host showed: the blob of either. */
  readonly shown: Buffer;
  readonly sessionID: Buffer;
  /** The agent is forwarded there; else it is used to log in there. */
  readonly isForwarding: boolean;
}

const DestinationForm = layout("destination", { from: bytes, to: bytes, reserved: bytes });

export function writeDestinations(destinations: readonly Destination[]): Buffer {
  const out = new Writer();
  for (const { from, to } of destinations) {
    out.string(DestinationForm.encode({ from: writeHop(from), to: writeHop(to), reserved: "" }));
  }
  return out.payload();
}

function writeHop(hop: Hop | null): Buffer {
  const out = new Writer();
  for (const each of [hop?.user ?? "", hop?.hostname ?? "", ""]) out.string(each);
  for (const { key, isAuthority } of hop?.keys ?? []) {
    out.string(key.blob());
    out.boolean(isAuthority);
  }
  return out.payload();
}

/** @throws ProtocolError for what is no list of destinations, BadKeyError for a key that is none */
export function readDestinations(data: Buffer): Destination[] {
  const from = new Reader(data);
  const destinations: Destination[] = [];
  while (from.remaining > 0) {
    if (destinations.length === MAX_DESTINATIONS) throw new ProtocolError("too many destinations");
    const form = DestinationForm.decode(from.string());
    const [begin, end] = [readHop(form.from), readHop(form.to)];
    const isHere = begin.hostname === "" && begin.keys.length === 0;
    if (begin.user !== null || (!isHere && (begin.hostname === "" || begin.keys.length === 0))) {
      throw new ProtocolError("a destination from nowhere");
    }
    if (end.hostname === "" || end.keys.length === 0) throw new ProtocolError("a destination that is none");
    destinations.push({ from: isHere ? null : begin, to: end });
  }
  return destinations;
}

function readHop(data: Buffer): Hop {
  const from = new Reader(data);
  const [user, hostname] = [from.text(), from.text()];
  from.string(); // reserved
  const keys: { key: Key; isAuthority: boolean }[] = [];
  while (from.remaining > 0) {
    if (keys.length === MAX_KEYS) throw new ProtocolError("too many keys of a host");
    keys.push({ key: Key.fromString(Buffer.from(from.string()), "blob"), isAuthority: from.boolean() });
  }
  return { user: user === "" ? null : user, hostname, keys };
}

/**
 * Whether the hops that the client has shown lead along these ways.
 * @param user who is to be logged in at the last; null when nobody is, and the key is only looked for
 * @param now seconds since 1970, for certificates
 */
export function permitted(
  destinations: readonly Destination[],
  bindings: readonly SessionBinding[],
  user: string | null,
  now: number,
): boolean {
  const leads = (from: SessionBinding | null, to: SessionBinding | null, whom: string | null) =>
    destinations.some(
      (way) =>
        (from === null ? way.from === null : way.from !== null && isHost(from, way.from, now)) &&
        (to === null || isHost(to, way.to, now)) &&
        (whom === null || way.to.user == null || matchesPattern(whom, way.to.user)),
    );
  for (const [index, binding] of bindings.entries()) {
    const isLast = index === bindings.length - 1;
    if (!isLast && !binding.isForwarding) return false;
    if (isLast && binding.isForwarding && user !== null) return false; // nobody logs in where the agent only passes
    if (!leads(bindings[index - 1] ?? null, binding, isLast ? user : null)) return false;
  }
  const last = bindings.at(-1);
  // A host that the agent is forwarded to sees the keys that lead on from it.
  return last === undefined || !last.isForwarding || user !== null || leads(last, null, null);
}

function isHost({ hostKey, certificate }: SessionBinding, hop: Hop, now: number): boolean {
  return hop.keys.some(({ key, isAuthority }) => {
    if (!isAuthority) return certificate === null && key.equals(hostKey);
    return certificate !== null && isCertified(certificate, key, hop.hostname, now);
  });
}

function isCertified(certificate: Certificate, authority: Key, principal: string, now: number): boolean {
  try {
    certificate.check({ authorities: [authority], kind: "host", principal, now });
    return true;
  } catch {
    return false;
  }
}

/** What a host shows as its key. @throws BadKeyError or ProtocolError for what is neither a key nor a certificate */
export function readHostKey(blob: Buffer): { hostKey: Key; certificate: Certificate | null } {
  if (!new Reader(blob).text().includes("-cert-")) return { hostKey: Key.fromString(blob, "blob"), certificate: null };
  const certificate = Certificate.fromString(blob);
  return { hostKey: certificate.key, certificate };
}

/** A login that is to be signed for (RFC 4252 section 7; OpenSSH's PROTOCOL, section 1.8). */
export interface LoginRequest {
  readonly sessionID: Buffer;
  readonly user: string;
  /** The host that it is meant for, where the request says so. */
  readonly hostKey: Buffer | null;
}

const HOST_BOUND = "publickey-hostbound-v00@openssh.com";
const USERAUTH_REQUEST = 50;

/** Null for data that are no login by this very key. */
export function readLogin(data: Buffer, keyBlob: Buffer): LoginRequest | null {
  try {
    const from = new Reader(data);
    const sessionID = Buffer.from(from.string());
    if (from.byte() !== USERAUTH_REQUEST) return null;
    const [user, service, method] = [from.text(), from.text(), from.text()];
    const isBound = method === HOST_BOUND;
    if (service !== "ssh-connection" || !(isBound || method === "publickey") || !from.boolean()) return null;
    from.string(); // the algorithm
    if (!from.string().equals(keyBlob)) return null;
    const hostKey = isBound ? Buffer.from(from.string()) : null;
    from.end();
    return { sessionID, user, hostKey };
  } catch (error) {
    if (error instanceof ProtocolError || error instanceof BadKeyError) return null;
    throw error;
  }
}
