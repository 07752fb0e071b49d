/**
 * What a server tells of itself: each event's name, and the names and types of its fields. Names are OpenTelemetry's where
 * it has one (`client.address`, `user.name`), else begin with `ssh.`. docs/metrics.md is the same list for people.
 */

/** What every event tells. Text that a peer wrote is cut, on one line, and without control characters. */
export interface ConnectionFields {
  /** Differs for each connection of a process, and between processes. */
  readonly "ssh.connection.id": string;
  /** Where the client is: an IP address, or the path of a UNIX socket. Behind a PROXY header it is the real one. */
  readonly "client.address": string;
  /** Null where there is none. */
  readonly "client.port": number | null;
  readonly "network.transport": "tcp" | "unix" | "other";
  readonly "network.type": "ipv4" | "ipv6" | null;
  /** MD5 of what the client offers (https://github.com/salesforce/hassh); null before that has come. */
  readonly "ssh.hassh": string | null;
  /** The client's version line; null before it has come. */
  readonly "ssh.client.version": string | null;
  /** Who has logged in; null before. */
  readonly "user.name": string | null;
}

export interface ChannelFields {
  readonly "ssh.channel.type": string;
  /** Who asked for it. */
  readonly "ssh.channel.initiator": "client" | "server";
}

export interface SessionFields {
  readonly "ssh.channel.id": number;
  readonly "ssh.session.kind": "shell" | "exec" | "subsystem";
  /** Null for shell and exec. */
  readonly "ssh.subsystem.name": string | null;
}

export interface ForwardingFields {
  /** The type of channel, or of the request to listen: `direct-tcpip`, `tcpip-forward`... */
  readonly "ssh.forwarding.kind": string;
  /** Where it leads to, or listens: a host or a path; null where that is not known. */
  readonly "ssh.forwarding.address": string | null;
  readonly "ssh.forwarding.port": number | null;
}

/** The fields of each event besides those of {@link ConnectionFields}. Durations are in seconds. */
export interface EventFields {
  /** Let in by the defence; nothing was said yet. */
  readonly "ssh.connection.opened": object;
  /** Turned away by the defence, for one of its reasons; such a connection has neither been opened nor is it closed. */
  readonly "ssh.connection.refused": { readonly "ssh.refusal.reason": string };
  readonly "ssh.connection.closed": {
    /** Who said DISCONNECT, if anybody did. */
    readonly "ssh.disconnect.initiator": "client" | "server" | null;
    /** The code that was said (RFC 4253 section 11.1). */
    readonly "ssh.disconnect.code": number | null;
    /** What was said with it, or else how the connection below ended. */
    readonly "ssh.disconnect.reason": string;
    readonly "ssh.connection.duration": number;
    readonly "ssh.connection.bytes_received": number;
    readonly "ssh.connection.bytes_sent": number;
  };
  /** The first key exchange is done. */
  readonly "ssh.handshake.completed": {
    readonly "ssh.kex.algorithm": string;
    readonly "ssh.host_key.algorithm": string;
    /** From the start of the connection. */
    readonly "ssh.handshake.duration": number;
  };
  /** A later key exchange is done. */
  readonly "ssh.rekey": { readonly "ssh.kex.algorithm": string };
  /** One attempt to log in and its outcome (rule L3); `user.name` is who was named. */
  readonly "ssh.login": {
    readonly "ssh.login.outcome": "accepted" | "partly accepted" | "refused";
    readonly "ssh.login.method": string;
    /** Of the key or certificate that was shown. */
    readonly "ssh.key.fingerprint": string | null;
    /** The class of the checker that was asked. */
    readonly "ssh.login.checker": string | null;
    /** Why it was refused, for whoever runs the server: the client is not told. */
    readonly "ssh.login.reason": string | null;
  };
  readonly "ssh.logout": { readonly "ssh.login.duration": number };
  readonly "ssh.channel.opened": ChannelFields & { readonly "ssh.channel.id": number };
  readonly "ssh.channel.refused": ChannelFields & { readonly "ssh.channel.reason": string };
  readonly "ssh.channel.closed": ChannelFields & {
    readonly "ssh.channel.id": number;
    readonly "ssh.channel.duration": number;
  };
  readonly "ssh.session.started": SessionFields;
  readonly "ssh.session.ended": SessionFields & {
    /** The program's exit status; null when a signal ended it, or it told none. */
    readonly "ssh.session.status": number | null;
    readonly "ssh.session.signal": string | null;
    readonly "ssh.session.duration": number;
  };
  readonly "ssh.forwarding.opened": ForwardingFields;
  readonly "ssh.forwarding.refused": ForwardingFields;
  readonly "ssh.forwarding.closed": ForwardingFields;
}

export type EventName = keyof EventFields;

/** An event of this name. */
export type SSHEvent<N extends EventName = EventName> = {
  [K in N]: { readonly "event.name": K; /** Seconds since 1970. */ readonly time: number } & ConnectionFields &
    EventFields[K];
}[N];

interface Line {
  readonly level: "debug" | "info";
  /** Of each connection there is one at most: it has no part in the bound that lines of a peer have. */
  readonly once?: true;
  readonly format: string;
}

const FROM = "connection {ssh.connection.id} from {client.address}";

/** How each is written to the log; null where the line is written elsewhere, or by another bound. */
export const LINES: Readonly<Record<EventName, Line | null>> = {
  "ssh.connection.opened": { level: "debug", once: true, format: `${FROM} port {client.port} is open` },
  "ssh.connection.refused": null, // the defence's own, one a second
  "ssh.connection.closed": { level: "debug", once: true, format: `${FROM} is closed: {ssh.disconnect.reason}` },
  "ssh.handshake.completed": { level: "debug", once: true, format: `${FROM} has keys by {ssh.kex.algorithm}` },
  "ssh.rekey": { level: "debug", format: `${FROM} has new keys by {ssh.kex.algorithm}` },
  "ssh.login": null, // userauth's own, without a bound
  "ssh.logout": { level: "info", once: true, format: `logout: user {user.name!r} of ${FROM}` },
  "ssh.channel.opened": { level: "debug", format: `channel {ssh.channel.type!r} of ${FROM} is open` },
  "ssh.channel.refused": { level: "debug", format: `channel {ssh.channel.type!r} of ${FROM} is refused` },
  "ssh.channel.closed": { level: "debug", format: `channel {ssh.channel.type!r} of ${FROM} is closed` },
  "ssh.session.started": { level: "info", format: `{ssh.session.kind} of user {user.name!r} on ${FROM} has started` },
  "ssh.session.ended": { level: "info", format: `{ssh.session.kind} of user {user.name!r} on ${FROM} has ended` },
  "ssh.forwarding.opened": {
    level: "info",
    format: `{ssh.forwarding.kind} of ${FROM}: {ssh.forwarding.address!r} port {ssh.forwarding.port}`,
  },
  "ssh.forwarding.refused": {
    level: "info",
    format: `refused {ssh.forwarding.kind} of ${FROM}: {ssh.forwarding.address!r} port {ssh.forwarding.port}`,
  },
  "ssh.forwarding.closed": { level: "debug", format: `{ssh.forwarding.kind} of ${FROM} is closed` },
};
