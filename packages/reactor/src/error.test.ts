import { expect, test } from "vitest";
import * as error from "./error.js";
import { AssertionError, OSError, RuntimeError, SystemExit, ValueError } from "./exceptions.js";

// The table of parents: who catches the parent catches these too.
const parents = [
  [error.CannotListenError, error.BindError],
  [error.DNSLookupError, OSError],
  [error.ConnectBindError, error.ConnectError],
  [error.UnknownHostError, error.ConnectError],
  [error.NoRouteError, error.ConnectError],
  [error.ConnectionRefusedError, error.ConnectError],
  [error.TCPTimedOutError, error.ConnectError],
  [error.BadFileError, error.ConnectError],
  [error.ServiceNameUnknownError, error.ConnectError],
  [error.UserError, error.ConnectError],
  [error.SSLError, error.ConnectError],
  [error.TimeoutError, error.UserError],
  [error.PeerVerifyError, error.VerifyError],
  [error.ConnectionDone, error.ConnectionClosed],
  [error.ConnectionLost, error.ConnectionClosed],
  [error.ConnectionAborted, error.ConnectionLost],
  [error.FileDescriptorOverrun, error.ConnectionLost],
  [error.ConnectionFdescWentAway, error.ConnectionLost],
  [error.ProcessDone, error.ConnectionDone],
  [error.ProcessTerminated, error.ConnectionLost],
  [error.AlreadyCalled, ValueError],
  [error.AlreadyCancelled, ValueError],
  [error.InvalidAddressError, ValueError],
  [error.NotConnectingError, RuntimeError],
  [error.NotListeningError, RuntimeError],
  [error.ReactorNotRunning, RuntimeError],
  [error.ReactorNotRestartable, RuntimeError],
  [error.ReactorAlreadyRunning, RuntimeError],
  [error.ReactorAlreadyInstalledError, AssertionError],
] as const;

for (const [child, parent] of parents) {
  test(`${child.name} is a ${parent.name}`, () => expect(child.prototype).toBeInstanceOf(parent));
}

test("every error names itself as its class does", () => {
  for (const [name, type] of Object.entries(error)) {
    if (name === "getConnectError") continue;
    const made = Reflect.construct(type, []) as Error & { code: string };
    expect(made.name).toBe(name);
    expect(made.code).toMatch(/^E[A-Z_]+$/);
  }
});

test("the arguments of an error follow its text, joined by one space, with a full stop at the end", () => {
  expect(new error.ConnectionLost().message).toMatch(/^[^:]+\.$/);
  expect(new error.ConnectionLost("foo", "bar").message).toMatch(/: foo bar\.$/);
  expect(new error.ConnectionLost("foo", "bar").args).toEqual(["foo", "bar"]);
  expect(new error.ConnectError(7, "foo").message).toMatch(/: 7 foo\.$/);
});

test("an error among the arguments is the cause", () => {
  const cause = new Error("below");
  expect(new error.ConnectionLost(cause)).toMatchObject({
    cause,
    message: expect.stringMatching(/: below\.$/) as string,
  });
});

test("CannotListenError tells interface, port and cause", () => {
  const socketError = new Error("in use");
  const failed = new error.CannotListenError("", 22, socketError);
  expect(failed).toMatchObject({ interface: "", port: 22, socketError, cause: socketError });
  expect(failed.message).toContain("any:22: in use");
  expect(new error.CannotListenError("::1", 22, socketError).message).toContain("::1:22");
});

test("ProcessDone and ProcessTerminated carry exit code, signal and status", () => {
  expect(new error.ProcessDone(0)).toMatchObject({ exitCode: 0, signal: null, status: 0 });
  expect(new error.ProcessTerminated(3, null, 768)).toMatchObject({ exitCode: 3, signal: null, status: 768 });
  expect(new error.ProcessTerminated()).toMatchObject({ exitCode: null, signal: null, status: null });
  expect(new error.ProcessTerminated(null, 9).message).toContain("signal 9");
});

test("the connect TimeoutError is not the one of a Deferred's addTimeout", async () => {
  const defer = await import("./defer.js");
  expect(new error.TimeoutError()).not.toBeInstanceOf(defer.TimeoutError);
  expect(new defer.TimeoutError(1, "it")).not.toBeInstanceOf(error.TimeoutError);
});

function osError(code: string, errno: number): Error {
  return Object.assign(new Error(`connect ${code}`), { code, errno });
}

const connectErrors = [
  ["ENETUNREACH", error.NoRouteError],
  ["ECONNREFUSED", error.ConnectionRefusedError],
  ["ETIMEDOUT", error.TCPTimedOutError],
  ["ENOTFOUND", error.UnknownHostError],
  ["EAI_AGAIN", error.UnknownHostError],
  ["EHOSTUNREACH", error.ConnectError],
  ["EPERM", error.ConnectError],
] as const;

for (const [code, type] of connectErrors) {
  test(`getConnectError makes ${type.name} of ${code} and keeps errno, code, message and cause`, () => {
    const cause = osError(code, -42);
    const made = error.getConnectError(cause);
    expect(made.constructor).toBe(type);
    expect(made).toMatchObject({ osError: 42, code, cause });
    expect(made.message).toContain(`connect ${code}`);
  });
}

test("getConnectError wraps what is no OS error", () => {
  expect(error.getConnectError("broken")).toMatchObject({ osError: null, code: "ERR_CONNECT" });
  expect(error.getConnectError("broken").message).toContain("broken");
});

test("OSError and SystemExit carry errno and exit status", () => {
  expect(new OSError("no file", { errno: 2, code: "ENOENT" })).toMatchObject({ errno: 2, code: "ENOENT" });
  expect(new OSError("no file")).toMatchObject({ errno: null, code: "ERR_OS" });
  expect(new SystemExit(3).code).toBe(3);
});
