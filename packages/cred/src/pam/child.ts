/**
 * The process that PAM runs in: its modules may block, fork, change signals and ids, and crash, none of which is good for
 * a server. Requests come on standard input and leave on standard output, a line of JSON each.
 */
import { readSync, writeSync } from "node:fs";
import { createRequire } from "node:module";
import type { PamItem } from "../credentials/interfaces.js";
import type { FromPAM, PAMRequest, ToPAM } from "./conversation.js";

/** A pointer, as koffi hands them out. */
type Pointer = bigint;

/** The part of koffi that is used here. */
interface Koffi {
  load(path: string): { func(declaration: string): (...args: unknown[]) => unknown };
  proto(declaration: string): unknown;
  pointer(type: unknown): unknown;
  register(callback: (...args: never[]) => unknown, type: unknown): unknown;
  struct(name: string, members: Record<string, string>): unknown;
  decode(from: unknown, offset: number, type: string): unknown;
  encode(to: unknown, offset: number, type: string, value: unknown): void;
}

const koffi = createRequire(import.meta.url)("koffi") as Koffi;
const pam = koffi.load("libpam.so.0");
const libc = koffi.load("libc.so.6");

koffi.struct("pam_message", { style: "int", msg: "str" });
koffi.struct("pam_response", { resp: "void *", retcode: "int" });
koffi.struct("pam_conv", { conv: "void *", data: "void *" });
const conversation = koffi.pointer(
  koffi.proto("int conversation(int count, void *messages, void *responses, void *data)"),
);
const failDelay = koffi.pointer(koffi.proto("void fail_delay(int result, unsigned int microseconds, void *data)"));

const pam_start = pam.func("int pam_start(str service, str user, pam_conv *conv, _Out_ void **handle)");
const pam_set_item = pam.func("int pam_set_item(void *handle, int type, void *item)");
const set_text = pam.func("int pam_set_item(void *handle, int type, str item)");
const pam_authenticate = pam.func("int pam_authenticate(void *handle, int flags)");
const pam_acct_mgmt = pam.func("int pam_acct_mgmt(void *handle, int flags)");
const pam_end = pam.func("int pam_end(void *handle, int status)");
const pam_strerror = pam.func("str pam_strerror(void *handle, int status)");
const calloc = libc.func("void *calloc(size_t count, size_t size)");
const strdup = libc.func("void *strdup(str text)");

const PAM_SUCCESS = 0;
const PAM_BUF_ERR = 5;
const PAM_CONV_ERR = 19;
const PAM_RHOST = 4;
const PAM_FAIL_DELAY = 10;
const PAM_DISALLOW_NULL_AUTHTOK = 1;
const POINTER_SIZE = 8;
const RESPONSE_SIZE = 16;

/** Asks our parent; called by PAM's modules, which wait. What it allocates they free. */
const converse = koffi.register((count: number, messages: Pointer, responses: Pointer) => {
  const items = Array.from({ length: count }, (_, i): PamItem => {
    const message = koffi.decode(messages, i * POINTER_SIZE, "void *");
    const { style, msg } = koffi.decode(message, 0, "pam_message") as { style: number; msg: string | null };
    return [msg ?? "", style as PamItem[1]];
  });
  say({ items });
  const reply = hear();
  if (reply === null || !("answers" in reply) || reply.answers?.length !== count) return PAM_CONV_ERR;
  const array = calloc(count, RESPONSE_SIZE);
  if (array === null) return PAM_BUF_ERR;
  for (const [i, answer] of reply.answers.entries()) {
    koffi.encode(array, i * RESPONSE_SIZE, "pam_response", { resp: strdup(answer), retcode: 0 });
  }
  koffi.encode(responses, 0, "void *", array);
  return PAM_SUCCESS;
}, conversation);

/** Failures are held back by the server, for all alike: PAM is not to sleep here. */
const noDelay = koffi.register(() => {}, failDelay);

if (process.getuid!() === 0 && process.geteuid!() !== 0) process.seteuid!(0);
for (let request = hear(); request !== null; request = hear()) if ("user" in request) say(authenticate(request));

function authenticate({ service, user, remoteHost }: PAMRequest): FromPAM {
  const out: unknown[] = [null];
  let result = pam_start(service, user, { conv: converse, data: null }, out) as number;
  if (result !== PAM_SUCCESS) return { result, text: "pam_start failed" };
  const [handle] = out;
  pam_set_item(handle, PAM_FAIL_DELAY, noDelay);
  if (remoteHost !== null) set_text(handle, PAM_RHOST, remoteHost);
  result = pam_authenticate(handle, PAM_DISALLOW_NULL_AUTHTOK) as number;
  if (result === PAM_SUCCESS) result = pam_acct_mgmt(handle, PAM_DISALLOW_NULL_AUTHTOK) as number;
  const text = pam_strerror(handle, result) as string;
  pam_end(handle, result);
  return { result, text };
}

function say(message: FromPAM): void {
  writeSync(1, `${JSON.stringify(message)}\n`);
}

/** The next line; null when our parent has no more to say. */
function hear(): ToPAM | null {
  const bytes: number[] = [];
  for (const byte = Buffer.alloc(1); readSync(0, byte, 0, 1, null) === 1;) {
    if (byte[0] === 0x0a) return JSON.parse(Buffer.from(bytes).toString()) as ToPAM;
    bytes.push(byte[0]!);
  }
  return null;
}
