/** What the tests of user authentication share: a transport in memory, keys, a realm, and requests as bytes. */
import { createPublicKey, generateKeyPairSync, type JsonWebKey, type KeyObject, sign } from "node:crypto";
import type { AvatarId, ICredentialsChecker } from "@strombus/cred/checkers";
import { type ICredentials, ISSHPrivateKey, IUsernamePassword } from "@strombus/cred/credentials";
import { UnauthorizedLogin } from "@strombus/cred/error";
import { type IRealm, Portal } from "@strombus/cred/portal";
import type { InterfaceToken } from "@strombus/reactor/components";
import { Clock } from "@strombus/reactor/task";
import { ValidPublicKey } from "../error.js";
import { PasswordData, UserauthRequest } from "../messages/userauth.js";
import type { Offence } from "../transport/gate.js";
import type { SSHTransportBase, TransportService } from "../ssh/transport.js";
import { type BytesLike, mpintBytes, toBuffer, Writer } from "../wire/writer.js";
import { SSHUserAuthServer } from "./server.js";

export const SESSION_ID = Buffer.from("session id");

/** Keeps what is sent, and stands for a transport with keys on. */
export class FakeTransport {
  packets: [number: number, body: Buffer][] = [];
  disconnects: [reason: number, description: string][] = [];
  sessionID = SESSION_ID;
  hostKeyBlob: Buffer | null = null;
  service: TransportService | null = null;
  avatar: unknown = undefined;
  readonly clock = new Clock();
  logoutFunction: (() => unknown) | null = null;
  peerExtensions = new Map<string, Buffer>();
  unimplemented = 0;
  offences: Offence[] = [];
  lost = false;
  encrypted = { in: true, out: true };
  supportedUserKeyAlgorithms?: readonly string[];
  transport = null;

  constructor(readonly factory: unknown = null) {}

  sendPacket(number: number, body: BytesLike): void {
    this.packets.push([number, Buffer.from(toBuffer(body))]);
  }
  sendDisconnect(reason: number, description: string): void {
    this.disconnects.push([reason, description]);
    this.loseConnection();
  }
  loseConnection(): void {
    this.lost = true;
  }
  sendUnimplemented(): void {
    this.unimplemented++;
  }
  offended(offence: Offence): void {
    this.offences.push(offence);
  }
  setService(service: TransportService): void {
    this.service?.serviceStopped();
    this.service = service;
    service.transport = this as unknown as SSHTransportBase;
    service.serviceStarted();
  }
  /** What the real one does when the connection is gone. */
  connectionLost(): void {
    const { service } = this;
    this.service = null;
    service?.serviceStopped();
    if (this.avatar !== undefined) this.logoutFunction?.();
  }
  isEncrypted(direction: "in" | "out"): boolean {
    return this.encrypted[direction];
  }
  getPeer(): { address: { host: string; port: number } } {
    return { address: { host: "192.0.2.1", port: 4711 } };
  }
}

/** What a login asks for. */
export class NextService implements TransportService {
  name = "next";
  transport: SSHTransportBase | null = null;
  started = 0;
  serviceStarted(): void {
    this.started++;
  }
  serviceStopped(): void {}
  packetReceived(): void {}
}

export class PasswordChecker implements ICredentialsChecker {
  credentialInterfaces = [IUsernamePassword];
  seen: string[] = [];
  requestAvatarId(credentials: ICredentials): AvatarId {
    const { username, password } = credentials as IUsernamePassword;
    this.seen.push(password);
    if (username === "foo" && password === "good") return "foo";
    throw new UnauthorizedLogin();
  }
}

/** Takes any signature that says "good" for the keys it was given. */
export class PrivateKeyChecker implements ICredentialsChecker {
  credentialInterfaces = [ISSHPrivateKey];
  seen: ISSHPrivateKey[] = [];
  constructor(readonly blobs: readonly Buffer[]) {}
  requestAvatarId(credentials: ICredentials): AvatarId {
    const key = credentials as ISSHPrivateKey;
    this.seen.push(key);
    if (key.username !== "foo" || !this.blobs.some((blob) => blob.equals(key.blob))) throw new UnauthorizedLogin();
    if (key.signature === null) throw new ValidPublicKey();
    if (!key.signature.includes("good")) throw new UnauthorizedLogin();
    return "foo";
  }
}

/** Gives everybody an avatar, and counts. */
export class Realm implements IRealm {
  avatars = 0;
  logouts = 0;
  avatar: unknown = { avatar: true };
  requestAvatar(avatarId: AvatarId, mind: unknown, ...interfaces: InterfaceToken[]) {
    this.avatars++;
    const logout = () => {
      this.logouts++;
    };
    return [interfaces[0]!, this.avatar, logout] as const;
  }
}

export interface Setting {
  clock: Clock;
  realm: Realm;
  portal: Portal;
  transport: FakeTransport;
  service: SSHUserAuthServer;
}

export interface SettingOptions {
  checkers?: readonly ICredentialsChecker[];
  realm?: Realm;
  Service?: new () => SSHUserAuthServer;
  transport?: (transport: FakeTransport) => void;
}

/** A server's service, started. */
export function serve({
  checkers = [new PasswordChecker()],
  realm = new Realm(),
  Service = SSHUserAuthServer,
  transport: prepare = () => {},
}: SettingOptions = {}): Setting {
  const clock = new Clock();
  const portal = new Portal(realm, checkers);
  const transport = new FakeTransport({ portal, getService });
  transport.hostKeyBlob = hostKeyBlob;
  prepare(transport);
  const service = new Service();
  service.clock = clock;
  transport.setService(service);
  return { clock, realm, portal, transport, service };
}

/** Carries packets between the two until nothing moves, time included. */
export function talk(server: Setting, client: FakeTransport): void {
  for (let still = 0; still < 4; still++) {
    const [up, down] = [client.packets.splice(0), server.transport.packets.splice(0)];
    for (const [number, body] of up) server.transport.service?.packetReceived(number, body);
    for (const [number, body] of down) client.service?.packetReceived(number, body);
    if (up.length + down.length > 0) still = 0;
    server.clock.advance(0.1);
  }
}

function getService(_transport: unknown, name: string): (new () => TransportService) | null {
  if (name === "ssh-userauth") return SSHUserAuthServer;
  return name === "next" ? NextService : null;
}

export function request(method: string, data: BytesLike = "", user: BytesLike = "foo", service = "next"): Buffer {
  return UserauthRequest.encode({ user, service, method, data: toBuffer(data) });
}

export function password(text: BytesLike, user: BytesLike = "foo", service = "next"): Buffer {
  return request(
    "password",
    PasswordData.encode({ change: false, password: text, tail: Buffer.alloc(0) }),
    user,
    service,
  );
}

/** Strings one behind the other. */
export function NS(...strings: BytesLike[]): Buffer {
  const out = new Writer();
  for (const each of strings) out.string(each);
  return Buffer.from(out.payload());
}

/** The method data of a public key request. */
export function keyData(flag: number, algorithm: string, blob: Buffer, ...signature: BytesLike[]): Buffer {
  return Buffer.concat([Buffer.of(flag), NS(algorithm, blob, ...signature)]);
}

export function failure(methods: string, partial = false): Buffer {
  return Buffer.concat([NS(methods), Buffer.of(partial ? 1 : 0)]);
}

export interface TestKey {
  readonly blob: Buffer;
  readonly privateKey: KeyObject;
}

export function ed25519(): TestKey {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  const { x } = jwk(publicKey);
  return { privateKey, blob: NS("ssh-ed25519", Buffer.from(x!, "base64url")) };
}

export function rsa(bits: number): TestKey {
  const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: bits });
  const { n, e } = jwk(publicKey);
  return { privateKey, blob: rsaBlob(toBigInt(n!), toBigInt(e!)) };
}

export function rsaBlob(n: bigint, e: bigint): Buffer {
  return NS("ssh-rsa", mpintBytes(e), mpintBytes(n));
}

export function signEd25519(key: TestKey, data: Buffer): Buffer {
  return NS("ssh-ed25519", sign(null, data, key.privateKey));
}

/** Of a copy: on Node 20 a generated key itself may never be exported so, see keys/generate.ts. */
function jwk(publicKey: KeyObject): JsonWebKey {
  const copy = createPublicKey({ key: publicKey.export({ format: "der", type: "spki" }), format: "der", type: "spki" });
  return copy.export({ format: "jwk" });
}

function toBigInt(base64url: string): bigint {
  return BigInt(`0x${Buffer.from(base64url, "base64url").toString("hex")}`);
}

export const hostKeyBlob = ed25519().blob;
