/** A server in memory where users log in, and a peer that says there whatever it is told to. */
import { ConchUser } from "@strombus/conch/avatar";
import { IConchUser } from "@strombus/conch/interfaces";
import { SSHConnection } from "@strombus/conch/ssh/connection";
import type { SSHFactory } from "@strombus/conch/ssh/factory";
import type { Key } from "@strombus/conch/ssh/keys";
import { SSHUserAuthServer } from "@strombus/conch/ssh/userauth";
import type { AvatarId, ICredentialsChecker } from "@strombus/cred/checkers";
import { type ICredentials, ISSHPrivateKey, IUsernamePassword } from "@strombus/cred/credentials";
import { UnauthorizedLogin } from "@strombus/cred/error";
import { Portal } from "@strombus/cred/portal";
import type { InterfaceToken } from "@strombus/reactor/components";
import { type Client, fields, hostKey, type Pair, Recorder, secured, type Server } from "./memory-ssh.js";

export const [REQUEST, FAILURE, SUCCESS, BANNER, REPLY, ANSWERS] = [50, 51, 52, 53, 60, 61];
export const SERVICE = "ssh-connection";
export const HOST_BOUND = "publickey-hostbound-v00@openssh.com";

/** Seconds that a failure takes. */
export const DELAY = 0.25;

export interface LoginSetting {
  readonly checkers?: readonly ICredentialsChecker[];
  /** What the realm answers; by default a user without channels, of whom it notes that they are in and out. */
  readonly realm?: (avatarId: AvatarId, logout: () => void) => unknown;
  readonly prepare?: (server: Server, factory: SSHFactory, client: Client) => void;
  /** Of the service that logs in. */
  readonly limits?: Partial<SSHUserAuthServer>;
}

/** The peer's side: remembers, and is a user's from SUCCESS on. */
class Peer extends Recorder {
  constructor() {
    super("ssh-userauth");
  }
  override packetReceived(number: number, body: Buffer): void {
    super.packetReceived(number, body);
    if (number === SUCCESS) Object.assign(this, { name: SERVICE });
  }
}

export interface Login extends Pair {
  /** What the server has said since. */
  readonly got: readonly [number: number, body: Buffer][];
  /** The numbers of what was about logins. */
  readonly answers: () => number[];
  /** Whom the realm was asked for, and who of them was logged out. */
  readonly avatars: AvatarId[];
  readonly logouts: AvatarId[];
  /** Requests in one segment, and as much time as a failure takes. */
  readonly ask: (...requests: readonly Buffer[]) => Promise<void>;
  /** Any messages in one segment, and no time. */
  readonly say: (...messages: readonly (readonly [number: number, body: Uint8Array])[]) => Promise<void>;
  readonly pass: (seconds: number) => Promise<void>;
  /** A signed request, of this connection unless something else is said. */
  readonly signed: (key: Key, said?: Partial<KeyRequest>, signs?: Partial<KeyRequest>) => Buffer;
}

/** A connection with keys, and with the service that logs in. */
export async function login({ checkers = [], realm, prepare, limits = {} }: LoginSetting): Promise<Login> {
  const [avatars, logouts]: [AvatarId[], AvatarId[]] = [[], []];
  const made = await secured((client, server, factory) => {
    class UserAuth extends SSHUserAuthServer {
      override clock = server.clock;
      constructor() {
        super();
        Object.assign(this, limits);
      }
    }
    factory.services = { "ssh-userauth": UserAuth, [SERVICE]: SSHConnection };
    const requestAvatar = (avatarId: AvatarId) => {
      avatars.push(avatarId);
      const logout = () => void logouts.push(avatarId);
      return (realm === undefined ? [IConchUser, new ConchUser(), logout] : realm(avatarId, logout)) as never;
    };
    factory.portal = new Portal({ requestAvatar }, checkers);
    prepare?.(server, factory, client);
  });
  const peer = new Peer();
  made.client.requestService(peer);
  await made.settle();
  // Our own client takes no second SERVICE_ACCEPT.
  made.client.packetTap = (direction, number) => (direction === "in" && number === 6 ? [] : undefined);
  const say: Login["say"] = async (...messages) => {
    for (const message of messages) made.client.force(...message);
    await made.settle();
  };
  const pass = async (seconds: number) => {
    made.clock.advance(seconds);
    await made.settle();
  };
  const ask = async (...requests: readonly Buffer[]) => {
    await say(...requests.map((request) => [REQUEST, request] as const));
    await pass(DELAY);
  };
  const signed: Login["signed"] = (key, said, signs) =>
    signedRequest(key, { sessionID: made.server.sessionID!, ...said }, signs);
  const answers = () => peer.got.map(([number]) => number).filter((number) => number < 80);
  return { ...made, got: peer.got, answers, avatars, logouts, say, pass, ask, signed };
}

export function password(secret: string | Buffer, user: string | Buffer = "alice", service = SERVICE): Buffer {
  return fields(user, service, "password", false, secret);
}

export function change(old: string, chosen: string, user = "alice"): Buffer {
  return fields(user, SERVICE, "password", true, old, chosen);
}

export function dialogue(user = "alice", submethods = ""): Buffer {
  return fields(user, SERVICE, "keyboard-interactive", "", submethods);
}

/** What a request by a key says. */
export interface KeyRequest {
  readonly sessionID: Uint8Array;
  readonly user: string;
  readonly service: string;
  readonly method: string;
  readonly algorithm: string;
  readonly blob: Uint8Array;
  /** Of a host-bound request. */
  readonly hostKey: Uint8Array;
}

const ofAlice = (key: Key): KeyRequest => ({
  sessionID: Buffer.alloc(0),
  user: "alice",
  service: SERVICE,
  method: "publickey",
  algorithm: key.supportedSignatureAlgorithms()[0]!,
  blob: key.blob(),
  hostKey: hostKey.blob(),
});

const written = ({ user, service, method, algorithm, blob, hostKey }: KeyRequest, isSigned: boolean): Buffer => {
  const bound = method === HOST_BOUND ? [hostKey] : [];
  return fields(user, service, method, isSigned, algorithm, blob, ...bound);
};

/** A question whether this key would do. */
export function query(key: Key, said: Partial<KeyRequest> = {}): Buffer {
  return written({ ...ofAlice(key), ...said }, false);
}

/** What a signature covers (RFC 4252 section 7). */
export function covered(request: KeyRequest): Buffer {
  return Buffer.concat([fields(request.sessionID), Buffer.of(REQUEST), written(request, true)]);
}

/** @param signs what the signature covers instead of what is said */
export function signedRequest(key: Key, said: Partial<KeyRequest> = {}, signs: Partial<KeyRequest> = {}): Buffer {
  const request = { ...ofAlice(key), ...said };
  const certified = request.algorithm.endsWith("-cert-v01@openssh.com");
  const algorithm = certified ? key.supportedSignatureAlgorithms()[0]! : request.algorithm;
  return withSignature(request, key.sign(covered({ ...request, ...signs }), algorithm));
}

/** With this for a signature, whatever it is. */
export function withSignature(request: KeyRequest, signature: Uint8Array): Buffer {
  return Buffer.concat([written(request, true), fields(signature)]);
}

/** Of this key, with these changes and no signature yet. */
export function requestOf(key: Key, said: Partial<KeyRequest> = {}): KeyRequest {
  return { ...ofAlice(key), ...said };
}

/** Checks passwords, and remembers which; alice's is "right" and bob's too. */
export function passwords(check: (user: string, secret: string) => unknown = isRight) {
  const asked: string[] = [];
  return {
    asked,
    credentialInterfaces: [IUsernamePassword],
    requestAvatarId(credentials: ICredentials) {
      const { username, password: secret } = credentials as IUsernamePassword;
      asked.push(`${username}:${secret}`);
      return check(username, secret) as never;
    },
  };
}

function isRight(user: string, secret: string): string {
  if ((user !== "alice" && user !== "bob") || secret !== "right") throw new UnauthorizedLogin("wrong");
  return user;
}

/** Answers for credentials of this kind as it is told to, and remembers them. */
export function asking<T = ISSHPrivateKey>(check: (given: T) => unknown, kind: InterfaceToken = ISSHPrivateKey) {
  const asked: T[] = [];
  return {
    asked,
    credentialInterfaces: [kind],
    requestAvatarId(credentials: ICredentials) {
      asked.push(credentials as T);
      return check(credentials as T) as never;
    },
  };
}

/** Lets everybody in, whatever they show: nothing but the server itself stands before it. */
export const credulous = () => asking<{ readonly username: string }>(({ username }) => username);
