import { UnauthorizedLogin } from "@strombus/cred/error";
import { ISSHPrivateKey, IUsernamePassword, originOf } from "@strombus/cred/credentials";
import { expect, test } from "vitest";
import { SSHServerTransport } from "../ssh/transport.js";
import { ed25519, keyData, password, request, serve } from "./fixtures.test.support.js";
import { LoginScope, noteScope, transportOf } from "./scope.js";

const DELAY = 0.25; // seconds

test("a checker finds the transport on which credentials came, and their address, of questions too", () => {
  const found: unknown[] = [];
  const origins: (string | null)[] = [];
  const checker = {
    credentialInterfaces: [IUsernamePassword, ISSHPrivateKey],
    requestAvatarId(credentials: object): never {
      found.push(transportOf(credentials));
      origins.push(originOf(credentials));
      throw new UnauthorizedLogin();
    },
  };
  const { service, transport, clock } = serve({ checkers: [checker] });
  service.ssh_USERAUTH_REQUEST(password("good"));
  clock.advance(DELAY);
  service.ssh_USERAUTH_REQUEST(request("publickey", keyData(0, "ssh-ed25519", ed25519().blob)));
  expect(found).toHaveLength(2);
  for (const each of found) expect(each === transport).toBe(true);
  expect(origins).toEqual(["192.0.2.1", "192.0.2.1"]);
  expect(transportOf({})).toBeUndefined();
});

test("a transport that has a say in it is told each user that a login names, once in a row", () => {
  const named: string[] = [];
  const { service, clock } = serve({
    transport: (transport) => Object.assign(transport, { userNamed: (user: string) => named.push(user) }),
  });
  for (const user of ["ann", "ann", "bob", "nul\0", "ann"]) {
    service.ssh_USERAUTH_REQUEST(password("bad", user));
    clock.advance(DELAY);
  }
  expect(named).toEqual(["ann", "bob", "ann"]);
});

test("when the connection is over, credentials that somebody kept do not keep it too", () => {
  const [credentials, transport] = [{}, new SSHServerTransport()];
  noteScope(credentials, new LoginScope(), transport);
  expect(transportOf(credentials) === transport).toBe(true);
  transport.connectionLost();
  expect(transportOf(credentials)).toBeUndefined();
});
