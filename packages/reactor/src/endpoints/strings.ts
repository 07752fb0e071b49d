/** Endpoints described by text: `tcp:2022`, `ssl:443:privateKey=key.pem`, `unix:/run/app.sock:mode=660`. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ValueError } from "../exceptions.js";
import type { AddressFamily, IReactor, IStreamClientEndpoint, IStreamServerEndpoint } from "../interfaces.js";
import { proxyEndpoint } from "../protocols/haproxy.js";
import {
  Certificate,
  CertificateOptions,
  DiffieHellmanParameters,
  optionsForClientTLS,
  PrivateCertificate,
  KeyPair,
  TLSVersion,
  trustRootFromCertificates,
} from "../ssl.js";
import { SSL4ClientEndpoint, TCP4ClientEndpoint, UNIXClientEndpoint, wrapClientTLS } from "./client.js";
import { HostnameEndpoint } from "./hostname.js";
import { type Arguments, bind, integer, parseDescription } from "./description.js";
import {
  AdoptedStreamServerEndpoint,
  SSL4ServerEndpoint,
  TCP4ServerEndpoint,
  TCP6ServerEndpoint,
  UNIXServerEndpoint,
} from "./server.js";
import { StandardIOEndpoint } from "./standard-io.js";
import { ListenFDs } from "./systemd.js";

export type ServerParser = (
  reactor: IReactor,
  args: string[],
  kwargs: ReadonlyMap<string, string>,
) => IStreamServerEndpoint;
export type ClientParser = (
  reactor: IReactor,
  args: string[],
  kwargs: ReadonlyMap<string, string>,
) => IStreamClientEndpoint;

const FAMILIES: ReadonlyMap<string, AddressFamily> = new Map([
  ["INET", "IPv4"],
  ["INET6", "IPv6"],
  ["UNIX", "UNIX"],
]);

const servers = new Map<string, ServerParser>([
  ["tcp", parseTCPServer],
  ["tcp6", parseTCP6Server],
  ["ssl", parseSSLServer],
  ["unix", parseUNIXServer],
  ["stdio", (reactor) => new StandardIOEndpoint(reactor)],
  ["systemd", parseSystemd],
  ["fd", parseDescriptor],
  ["haproxy", parseHAProxy],
]);

const clients = new Map<string, ClientParser>([
  ["tcp", parseTCPClient],
  ["ssl", parseSSLClient],
  ["tls", parseTLSClient],
  ["unix", parseUNIXClient],
]);

/** Teaches `serverFromString` a type of endpoint. All arguments arrive as text. @throws ValueError for one that it knows */
export function registerServerParser(prefix: string, parser: ServerParser): void {
  register(servers, prefix, parser);
}

/** Teaches `clientFromString` a type of endpoint. All arguments arrive as text. @throws ValueError for one that it knows */
export function registerClientParser(prefix: string, parser: ClientParser): void {
  register(clients, prefix, parser);
}

/** @throws ValueError for an unknown type or a bad value, TypeError for missing, unknown or too many arguments */
export function serverFromString(reactor: IReactor, description: string): IStreamServerEndpoint {
  const { type, args, kwargs } = parseDescription(description);
  const parser = servers.get(type.toLowerCase());
  if (parser === undefined) throw unknownServer(type);
  return parser(reactor, args, kwargs);
}

/** @throws ValueError for an unknown type or a bad value, TypeError for missing, unknown or too many arguments */
export function clientFromString(reactor: IReactor, description: string): IStreamClientEndpoint {
  const { type, args, kwargs } = parseDescription(description);
  const parser = clients.get(type.toLowerCase());
  if (parser === undefined) throw new ValueError(`unknown type of client endpoint: ${JSON.stringify(type)}`);
  return parser(reactor, args, kwargs);
}

function register<P>(parsers: Map<string, P>, prefix: string, parser: P): void {
  const name = prefix.toLowerCase();
  if (parsers.has(name)) throw new ValueError(`there is a type ${JSON.stringify(prefix)} already`);
  parsers.set(name, parser);
}

// Servers

function parseTCPServer(reactor: IReactor, args: string[], kwargs: Arguments): IStreamServerEndpoint {
  const given = bind("tcp", ["port", "interface", "backlog"], 1, args, kwargs);
  return new TCP4ServerEndpoint(reactor, integer("port", given.get("port")!), {
    interface: given.get("interface") ?? "",
    backlog: integer("backlog", given.get("backlog") ?? "50"),
  });
}

function parseTCP6Server(reactor: IReactor, args: string[], kwargs: Arguments): IStreamServerEndpoint {
  const given = bind("tcp6", ["port", "backlog", "interface"], 1, args, kwargs);
  return new TCP6ServerEndpoint(reactor, integer("port", given.get("port")!), {
    interface: given.get("interface") ?? "::",
    backlog: integer("backlog", given.get("backlog") ?? "50"),
  });
}

function parseSSLServer(reactor: IReactor, args: string[], kwargs: Arguments): IStreamServerEndpoint {
  const names = [
    "port",
    "privateKey",
    "certKey",
    "sslmethod",
    "interface",
    "backlog",
    "extraCertChain",
    "dhParameters",
  ];
  const given = bind("ssl", names, 1, args, kwargs);
  const keyFile = given.get("privateKey") ?? "server.pem";
  const certificate = Certificate.loadPEM(readFileSync(given.get("certKey") ?? keyFile));
  const chainFile = given.get("extraCertChain");
  const dhFile = given.get("dhParameters");
  const options = new CertificateOptions({
    privateKey: KeyPair.load(readFileSync(keyFile)),
    certificate,
    ...versionsOf(given.get("sslmethod") ?? "TLS_METHOD"),
    ...(chainFile === undefined ? {} : { extraCertChain: certificatesIn(chainFile) }),
    ...(dhFile === undefined ? {} : { dhParameters: DiffieHellmanParameters.fromFile(dhFile) }),
  });
  return new SSL4ServerEndpoint(reactor, integer("port", given.get("port")!), options, {
    interface: given.get("interface") ?? "",
    backlog: integer("backlog", given.get("backlog") ?? "50"),
  });
}

/** The methods of OpenSSL: those that negotiate, and TLS 1.2 alone. */
function versionsOf(method: string): { lowerMaximumSecurityTo?: TLSVersion } {
  if (method === "TLS_METHOD" || method === "SSLv23_METHOD") return {};
  if (method === "TLSv1_2_METHOD") return { lowerMaximumSecurityTo: TLSVersion.TLSv1_2 };
  throw new ValueError(`sslmethod is TLS_METHOD or TLSv1_2_METHOD, not ${JSON.stringify(method)}`);
}

function parseUNIXServer(reactor: IReactor, args: string[], kwargs: Arguments): IStreamServerEndpoint {
  const given = bind("unix", ["address", "mode", "backlog", "lockfile"], 1, args, kwargs);
  const mode = given.get("mode") ?? "666";
  if (!/^[0-7]{1,4}$/.test(mode)) throw new ValueError(`mode is octal, not ${JSON.stringify(mode)}`);
  return new UNIXServerEndpoint(reactor, given.get("address")!, {
    mode: parseInt(mode, 8),
    backlog: integer("backlog", given.get("backlog") ?? "50"),
    wantPID: integer("lockfile", given.get("lockfile") ?? "1") !== 0,
  });
}

function parseSystemd(reactor: IReactor, args: string[], kwargs: Arguments): IStreamServerEndpoint {
  const given = bind("systemd", ["domain", "index", "name"], 1, args, kwargs);
  const [index, name] = [given.get("index"), given.get("name")];
  if ((index === undefined) === (name === undefined)) throw new ValueError("systemd takes an index or a name");
  const sockets = ListenFDs.fromEnvironment();
  const fd = name !== undefined ? sockets.byName(name) : sockets.byIndex(integer("index", index!));
  return new AdoptedStreamServerEndpoint(reactor, fd, familyOf(given.get("domain")!));
}

/** `fd:3`, `fd:3:domain=UNIX`: not Twisted's. */
function parseDescriptor(reactor: IReactor, args: string[], kwargs: Arguments): IStreamServerEndpoint {
  const given = bind("fd", ["fileno", "domain"], 1, args, kwargs);
  const fd = integer("fileno", given.get("fileno")!);
  return new AdoptedStreamServerEndpoint(reactor, fd, familyOf(given.get("domain") ?? "INET"));
}

/** `haproxy:tcp:2022:allow=10.0.0.0/8,192.0.2.1:timeout=5`; the last two are not Twisted's. */
function parseHAProxy(reactor: IReactor, args: string[], kwargs: Arguments): IStreamServerEndpoint {
  if (args.length === 0) throw new TypeError("haproxy: the endpoint behind it is missing");
  const rest = new Map(kwargs);
  const [allow, timeout] = [rest.get("allow"), rest.get("timeout")];
  rest.delete("allow");
  rest.delete("timeout");
  const [type, ...positional] = args;
  const parser = servers.get(type!.toLowerCase());
  if (parser === undefined) throw unknownServer(type!);
  return proxyEndpoint(parser(reactor, positional, rest), {
    ...(allow === undefined ? {} : { allowedProxies: allow.split(",") }),
    ...(timeout === undefined ? {} : { timeout: seconds(timeout) }),
  });
}

// Clients

function parseTCPClient(reactor: IReactor, args: string[], kwargs: Arguments): IStreamClientEndpoint {
  const given = bindHostAndPort("tcp", ["timeout", "bindAddress"], args, kwargs);
  return new TCP4ClientEndpoint(reactor, given.get("host")!, integer("port", given.get("port")!), clientOptions(given));
}

function parseSSLClient(reactor: IReactor, args: string[], kwargs: Arguments): IStreamClientEndpoint {
  const names = ["timeout", "bindAddress", "certKey", "privateKey", "caCertsDir", "hostname"];
  const given = bindHostAndPort("ssl", names, args, kwargs);
  const [hostname, trust] = [given.get("hostname"), given.get("caCertsDir")];
  const clientCertificate = privateCertificateIn(given.get("certKey"), given.get("privateKey"));
  const trustRoot = trust === undefined ? undefined : trustRootIn(trust);
  const contextFactory =
    hostname === undefined
      ? new CertificateOptions({
          trustRoot,
          ...(clientCertificate === undefined
            ? {}
            : { privateKey: clientCertificate.privateKey, certificate: clientCertificate }),
        })
      : optionsForClientTLS(hostname, { trustRoot, clientCertificate });
  const port = integer("port", given.get("port")!);
  return new SSL4ClientEndpoint(reactor, given.get("host")!, port, contextFactory, clientOptions(given));
}

function parseTLSClient(reactor: IReactor, args: string[], kwargs: Arguments): IStreamClientEndpoint {
  const names = ["host", "port", "timeout", "bindAddress", "certificate", "privateKey", "trustRoots", "endpoint"];
  const given = bind("tls", names, 1, args, kwargs);
  const [host, over, trust] = [given.get("host")!, given.get("endpoint"), given.get("trustRoots")];
  if (over === undefined && !given.has("port")) throw new TypeError("tls: port is missing");
  const contextFactory = optionsForClientTLS(host, {
    trustRoot: trust === undefined ? undefined : trustRootIn(trust),
    clientCertificate: privateCertificateIn(given.get("certificate"), given.get("privateKey")),
  });
  const wrapped =
    over === undefined
      ? new HostnameEndpoint(reactor, host, integer("port", given.get("port")!), clientOptions(given))
      : clientFromString(reactor, over);
  return wrapClientTLS(contextFactory, wrapped, { clock: reactor });
}

function parseUNIXClient(reactor: IReactor, args: string[], kwargs: Arguments): IStreamClientEndpoint {
  const given = bind("unix", ["path", "timeout", "lockfile"], 1, args, kwargs);
  return new UNIXClientEndpoint(reactor, given.get("path")!, {
    timeout: seconds(given.get("timeout") ?? "30"),
    checkPID: integer("lockfile", given.get("lockfile") ?? "0") !== 0,
  });
}

/** Host and port in that order, or one of them by name and the other by place. */
function bindHostAndPort(
  type: string,
  names: readonly string[],
  args: string[],
  kwargs: Arguments,
): Map<string, string> {
  const order = kwargs.has("host") && args.length === 1 ? ["port", ...names, "host"] : ["host", "port", ...names];
  const given = bind(type, order, 0, args, kwargs);
  for (const name of ["host", "port"]) {
    if (!given.has(name)) throw new TypeError(`${type}: ${name} is missing`);
  }
  return given;
}

function clientOptions(given: Arguments): { timeout: number; bindAddress: readonly [string, number] | null } {
  const local = given.get("bindAddress");
  return { timeout: seconds(given.get("timeout") ?? "30"), bindAddress: local === undefined ? null : [local, 0] };
}

// Values

/** @throws ValueError */
function seconds(text: string): number {
  if (!/^\d+(\.\d+)?$/.test(text)) throw new ValueError(`timeout is a number of seconds, not ${JSON.stringify(text)}`);
  return Number(text);
}

/** Who gives a port alone is told how it is written. */
function unknownServer(type: string): ValueError {
  const instead = /^\d+$/.test(type) ? `, a port is written "tcp:${type}"` : "";
  return new ValueError(`unknown type of server endpoint: ${JSON.stringify(type)}${instead}`);
}

/** @throws ValueError */
function familyOf(domain: string): AddressFamily {
  const family = FAMILIES.get(domain);
  if (family === undefined) throw new ValueError(`domain is INET, INET6 or UNIX, not ${JSON.stringify(domain)}`);
  return family;
}

/** @throws ValueError if there is none */
function certificatesIn(file: string): Certificate[] {
  const found = readFileSync(file, "latin1").match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g);
  if (found === null) throw new ValueError(`no certificate in ${JSON.stringify(file)}`);
  return found.map((pem) => Certificate.loadPEM(pem));
}

/** The certificates in the `.pem` files of a folder. */
function trustRootIn(folder: string): ReturnType<typeof trustRootFromCertificates> {
  const files = readdirSync(folder).filter((name) => name.toLowerCase().endsWith(".pem"));
  return trustRootFromCertificates(files.flatMap((name) => certificatesIn(join(folder, name))));
}

function privateCertificateIn(
  certificate: string | undefined,
  key: string | undefined,
): PrivateCertificate | undefined {
  if (certificate === undefined && key === undefined) return undefined;
  const [certificateFile, keyFile] = [certificate ?? key!, key ?? certificate!];
  return new PrivateCertificate(readFileSync(certificateFile), KeyPair.load(readFileSync(keyFile)));
}
