/** An X display of this machine's user: where it is, and what shows that one may use it (X(7), Xsecurity(7)). */
import { lookup } from "node:dns/promises";
import { readFile } from "node:fs/promises";
import { isIP, type NetConnectOpts } from "node:net";
import { homedir, hostname } from "node:os";
import { join } from "node:path";
import { ValueError } from "@strombus/reactor/exceptions";
import { isLoopback } from "../defence/source.js";
import { Reader } from "../wire/reader.js";

export const COOKIE_PROTOCOL = "MIT-MAGIC-COOKIE-1";

const FIRST_PORT = 6000;
const MAX_AUTHORITY = 1024 * 1024; // bytes

// Families of the file's entries (X11/Xauth.h).
const INTERNET = 0;
const INTERNET6 = 6;
const LOCAL = 256;
const WILD = 65_535;

export interface Display {
  /** "" for a socket of the file system. */
  readonly host: string;
  readonly number: number;
  readonly screen: number;
  readonly connect: NetConnectOpts;
}

/** Reads what DISPLAY says: `:0`, `unix:0.0`, `host:10.0`, `[::1]:0`, `/a/socket:0`. @throws ValueError for anything else */
export function parseDisplay(text: string): Display {
  const [, place = "", digits = "", screen = "0"] = /^(.*):(\d{1,5})(?:\.(\d{1,5}))?$/.exec(text) ?? [];
  if (digits === "" || Number(digits) > 65_535 - FIRST_PORT) {
    throw new ValueError(`${JSON.stringify(text.slice(0, 64))} is not an X display`);
  }
  const common = { number: Number(digits), screen: Number(screen) };
  if (place.startsWith("/")) return { host: "", ...common, connect: { path: `${place}:${digits}` } };
  if (place === "" || place === "unix") {
    return { host: "", ...common, connect: { path: `/tmp/.X11-unix/X${digits}` } };
  }
  const host = place.replace(/^\[(.*)\]$/, "$1");
  return { host, ...common, connect: { host, port: FIRST_PORT + common.number } };
}

/**
 * The cookie of a display in the user's file of them; null where there is none.
 * @param file the one that XAUTHORITY names, or `~/.Xauthority`, unless given
 */
export async function cookieOf(display: Display, file?: string): Promise<Buffer | null> {
  const content = await contentOf(file ?? process.env["XAUTHORITY"] ?? join(homedir(), ".Xauthority"));
  const addresses = await addressesOf(display.host);
  const from = new Reader(content);
  while (from.remaining > 0) {
    const family = from.raw(2).readUInt16BE();
    const [address, number, name, data] = [counted(from), counted(from), counted(from), counted(from)];
    const fits = family === WILD || addresses.some((each) => each.family === family && each.address.equals(address));
    const isNumber = number.length === 0 || number.toString() === String(display.number);
    if (fits && isNumber && name.toString() === COOKIE_PROTOCOL) return Buffer.from(data);
  }
  return null;
}

async function contentOf(file: string): Promise<Buffer> {
  try {
    const content = await readFile(file);
    return content.length > MAX_AUTHORITY ? Buffer.alloc(0) : content;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return Buffer.alloc(0);
    throw error;
  }
}

/** How the file names a host: one that is this machine by the machine's name. */
async function addressesOf(host: string): Promise<{ family: number; address: Buffer }[]> {
  const found = host === "" ? [] : await lookup(host, { all: true });
  return [
    ...(found.every(({ address }) => isLoopback(address)) ? [{ family: LOCAL, address: Buffer.from(hostname()) }] : []),
    ...found.map(({ address }) => ({ family: isIP(address) === 4 ? INTERNET : INTERNET6, address: bytesOf(address) })),
  ];
}

/** An address as its bytes. */
function bytesOf(address: string): Buffer {
  if (isIP(address) === 4) return Buffer.from(address.split(".").map(Number));
  const [head = "", tail] = address.replace(/%.*$/, "").split("::");
  const groups = (text: string) => text.split(":").filter((group) => group !== "");
  const [before, after] = [groups(head), groups(tail ?? "")];
  const middle = Array<string>(8 - before.length - after.length).fill("0");
  return Buffer.from([...before, ...middle, ...after].map((group) => group.padStart(4, "0")).join(""), "hex");
}

function counted(from: Reader): Buffer {
  return from.raw(from.raw(2).readUInt16BE());
}
