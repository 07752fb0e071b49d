/** The options that all clients of the command line have (twisted.conch.client.options). */
import { type FlagRow, Options, type ParameterRow, UsageError } from "@strombus/reactor/usage";
import { ciphers, macs } from "../codec/algorithms.js";
import { certifiedName } from "../keys/certificate-names.js";
import { ExitWithMessage } from "../scripts/exit.js";
import { PROFILES } from "../transport/algorithms.js";
import { VERSION } from "../transport/settings.js";
import { type BytesLike, toBuffer } from "../wire/writer.js";

const SSH_PORT = 22;
const MAX_PORT = 65_535;
const CIPHERS = new Set(ciphers.keys());
const MACS = new Set(macs.keys());
const { hostKeys } = PROFILES.legacy;
const HOST_KEY_ALGORITHMS = new Set([...hostKeys, ...hostKeys.map(certifiedName)]);

/** The options that all clients of the command line have. */
export class ConchOptions extends Options {
  static override optFlags: readonly FlagRow[] = [
    ["version", "V", "Display the version and exit."],
    ["compress", "C", "Compress what is sent."],
    ["log", "v", "Log, to the standard error."],
    ["nox11", "x", "Has no effect."],
    ["agent", "A", "Forward the ssh-agent, where the program does so."],
    ["noagent", "a", "Use no ssh-agent."],
    ["reconnect", "r", "Connect again when a connection is lost."],
  ];
  static override optParameters: readonly ParameterRow[] = [
    ["user", "l", null, "Log in as this user."],
    ["identity", "i", null, "A private key to log in with; may be given several times."],
    ["ciphers", "c", null, "Ciphers, best first, with commas between."],
    ["macs", "m", null, "MACs, best first, with commas between."],
    ["port", "p", null, "The server's port; 22 by default.", checkedPort],
    ["option", "o", null, "Has no effect: for command lines of OpenSSH."],
    ["host-key-algorithms", null, null, "Algorithms of host keys, best first, with commas between."],
    ["known-hosts", null, null, "The file of known hosts; ~/.ssh/known_hosts by default."],
    ["user-authentications", null, null, "Ways to log in, with commas between; all others are left out."],
    ["logfile", null, null, "With --log: the file to log to; - is the standard output."],
  ];

  override version = VERSION;

  /** Whom to connect to: set by programs, whose command lines differ in it. */
  host = "";
  /** Files of private keys; a `~/` in front is the user's home. */
  identitys: string[] = [];

  /** The name to log in with, if one was given. */
  get user(): string | null {
    return (this.get("user") as string | null | undefined) ?? null;
  }

  /** 22 if none was given. */
  get port(): number {
    return Number(this.get("port") ?? SSH_PORT);
  }

  isSet(flag: "compress" | "log" | "agent" | "noagent" | "reconnect"): boolean {
    return this.get(flag) === 1;
  }

  /** What a list was given as; null for one that was not. */
  names(option: "ciphers" | "macs" | "host-key-algorithms" | "user-authentications"): readonly string[] | null {
    return (this.get(option) as readonly string[] | null | undefined) ?? null;
  }

  opt_identity(file: string): void {
    this.identitys.push(file);
  }

  /** @throws SystemExit for a name that there is none of */
  opt_ciphers(list: BytesLike): void {
    this.set("ciphers", known(list, CIPHERS, "Unknown cipher type"));
  }

  /** @throws SystemExit for a name that there is none of */
  opt_macs(list: BytesLike): void {
    this.set("macs", known(list, MACS, "Unknown mac type"));
  }

  /** @throws SystemExit for a name that there is none of */
  opt_host_key_algorithms(list: BytesLike): void {
    this.set("host-key-algorithms", known(list, HOST_KEY_ALGORITHMS, "Unknown host key type"));
  }

  opt_user_authentications(list: BytesLike): void {
    this.set("user-authentications", namesIn(list));
  }
}

function namesIn(list: BytesLike): string[] {
  return toBuffer(list).toString().split(",");
}

function known(list: BytesLike, names: ReadonlySet<string>, complaint: string): string[] {
  const listed = namesIn(list);
  const unknown = listed.find((name) => !names.has(name));
  if (unknown !== undefined) throw new ExitWithMessage(`${complaint} '${unknown}'`);
  return listed;
}

/** It stays text, as it was typed. */
function checkedPort(text: string): string {
  if (/^\d+$/.test(text) && Number(text) >= 1 && Number(text) <= MAX_PORT) return text;
  throw new UsageError(`${JSON.stringify(text)} is no port`);
}
