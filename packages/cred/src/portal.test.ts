import {
  type InterfaceToken,
  classImplements,
  directlyProvides,
  interfaceToken,
  providedBy,
} from "@strombus/reactor/components";
import { Deferred } from "@strombus/reactor/defer";
import { NotImplementedError } from "@strombus/reactor/exceptions";
import { describe, expect, expectTypeOf, test } from "vitest";
import { ANONYMOUS, AllowAnonymousAccess, type AvatarId, InMemoryUsernamePasswordDatabaseDontUse } from "./checkers.js";
import {
  Anonymous,
  CramMD5Credentials,
  IAnonymous,
  IUsernameHashedPassword,
  IUsernamePassword,
  UsernamePassword,
} from "./credentials.js";
import { LoginDenied, UnauthorizedLogin, UnhandledCredentials } from "./error.js";
import { IRealm, Portal, type PortalLogin } from "./portal.js";
import { errorOf, resultOf } from "./outcome.test.support.js";

interface ITestable {
  loggedOut: boolean;
}
const ITestable: InterfaceToken<ITestable> = interfaceToken("ITestable");
const IOther: InterfaceToken<{ other: string }> = interfaceToken("IOther");

class Avatar implements ITestable {
  loggedOut = false;
  constructor(readonly name: AvatarId) {}
}
classImplements(Avatar, ITestable);

class Realm implements IRealm {
  readonly asked: unknown[][] = [];
  requestAvatar(...asked: [AvatarId, unknown, ...InterfaceToken[]]) {
    this.asked.push(asked);
    const avatar = new Avatar(asked[0]);
    if (!asked.includes(ITestable)) throw new NotImplementedError("none of these interfaces");
    return [ITestable, avatar, () => void (avatar.loggedOut = true)] as const;
  }
}

const IPlainPassword = interfaceToken("IPlainPassword", [IUsernamePassword]);
class DerivedCredentials {
  constructor(
    public username: string,
    public password: string,
  ) {}
  checkPassword(password: unknown): boolean {
    return password === this.password;
  }
}
classImplements(DerivedCredentials, IPlainPassword);

function portalWith(users: Record<string, string> = { ann: "secret" }): [Portal, Realm] {
  const realm = new Realm();
  return [new Portal(realm, [new InMemoryUsernamePasswordDatabaseDontUse(users)]), realm];
}

/** A checker that gives this answer, whatever it is. */
function answering(answer: unknown) {
  return { credentialInterfaces: [IAnonymous], requestAvatarId: () => answer as AvatarId };
}

describe("a portal with the memory checker", () => {
  test("lists IUsernamePassword and IUsernameHashedPassword, as a fresh list", () => {
    const [portal] = portalWith();
    expect(portal.listCredentialsInterfaces()).toEqual([IUsernamePassword, IUsernameHashedPassword]);
    portal.listCredentialsInterfaces().pop();
    expect(portal.listCredentialsInterfaces()).toHaveLength(2);
  });

  test("logs in: interface, avatar providing it, and logout", () => {
    const [portal] = portalWith();
    const login = resultOf(portal.login(new UsernamePassword("ann", "secret"), null, ITestable));
    expect(login).toHaveLength(3);
    const [iface, avatar, logout] = login;
    expect(iface).toBe(ITestable);
    expect(providedBy(iface, avatar)).toBe(true);
    expect(avatar.loggedOut).toBe(false);
    logout();
    expect(avatar.loggedOut).toBe(true);
  });

  test("logs in with credentials of a derived kind", () => {
    const [portal] = portalWith();
    const [, avatar] = resultOf(portal.login(new DerivedCredentials("ann", "secret"), null, ITestable));
    expect(avatar).toMatchObject({ name: "ann" });
  });

  test("refuses a wrong password and an unknown name with UnauthorizedLogin", () => {
    const [portal, realm] = portalWith();
    for (const credentials of [
      new UsernamePassword("ann", "wrong"),
      new UsernamePassword("eve", "secret"),
      new DerivedCredentials("eve", "secret"),
      new UsernamePassword("__proto__", "secret"),
    ]) {
      expect(errorOf(portal.login(credentials, null, ITestable))).toBeInstanceOf(UnauthorizedLogin);
    }
    expect(realm.asked).toEqual([]);
  });

  test("logs in by challenge and response", () => {
    const [portal] = portalWith({ tim: "tanstaaftanstaaf" });
    const credentials = new CramMD5Credentials();
    credentials.challenge = "<1896.697170952@postoffice.reston.mci.net>";
    credentials.setResponse("tim b913a602c7eda7a495b4e6e7334d3890");
    expect(resultOf(portal.login(credentials, null, ITestable))[1]).toMatchObject({ name: "tim" });
  });
});

describe("registering checkers", () => {
  test("a later checker for a kind replaces the earlier one, in its place", () => {
    const portal = new Portal(new Realm(), [answering("first"), new InMemoryUsernamePasswordDatabaseDontUse()]);
    const second = answering("second");
    portal.registerChecker(second);
    expect([...portal.checkers.keys()]).toEqual([IAnonymous, IUsernamePassword, IUsernameHashedPassword]);
    expect(portal.checkers.get(IAnonymous)).toBe(second);
  });

  test("the kinds given go before those that the checker names", () => {
    const portal = new Portal(new Realm());
    portal.registerChecker(new InMemoryUsernamePasswordDatabaseDontUse(), IUsernameHashedPassword);
    expect(portal.listCredentialsInterfaces()).toEqual([IUsernameHashedPassword]);
  });

  test("checkers, and the kinds they name, may be any iterable", () => {
    const checker = { credentialInterfaces: new Set([IAnonymous]), requestAvatarId: () => "ann" };
    expect(new Portal(new Realm(), new Set([checker])).listCredentialsInterfaces()).toEqual([IAnonymous]);
  });
});

describe("login", () => {
  test("hands avatar id, mind and interfaces to the realm as they are", () => {
    const realm = new Realm();
    const portal = new Portal(realm, [new AllowAnonymousAccess()]);
    const mind = {};
    resultOf(portal.login(new Anonymous(), mind, IOther, ITestable));
    expect(realm.asked).toEqual([[ANONYMOUS, mind, IOther, ITestable]]);
  });

  test("hands on what the realm answers as it is", () => {
    const answer = [ITestable, new Avatar("ann"), () => {}] as const;
    const realm: IRealm = { requestAvatar: () => answer };
    expect(resultOf(new Portal(realm, [answering("ann")]).login(new Anonymous(), null, ITestable))).toBe(answer);
  });

  test("takes the first registered kind that the credentials provide, and asks no second checker", () => {
    const credentials = new UsernamePassword("ann", "wrong");
    directlyProvides(credentials, IAnonymous);
    const memory = new InMemoryUsernamePasswordDatabaseDontUse({ ann: "secret" });
    const first = new Portal(new Realm(), [memory, new AllowAnonymousAccess()]);
    expect(errorOf(first.login(credentials, null, ITestable))).toBeInstanceOf(UnauthorizedLogin);
    const second = new Portal(new Realm(), [new AllowAnonymousAccess(), memory]);
    expect(resultOf(second.login(credentials, null, ITestable))[1]).toMatchObject({ name: ANONYMOUS });
  });

  test("fails with UnhandledCredentials, naming what the credentials declare, when no checker is for them", () => {
    const portal = new Portal(new Realm(), [new AllowAnonymousAccess()]);
    const messages = [new UsernamePassword("ann", "x"), new DerivedCredentials("ann", "x"), {}].map((credentials) => {
      const error = errorOf(portal.login(credentials, null, ITestable));
      expect(error).toBeInstanceOf(UnhandledCredentials);
      return (error as Error).message;
    });
    expect(errorOf(portal.login(null as never, null, ITestable))).toBeInstanceOf(UnhandledCredentials);
    expect(messages).toEqual(["No checker for IUsernamePassword", "No checker for IPlainPassword", "No checker for "]);
  });

  test("never throws: what checker and realm throw is its failure", () => {
    const broken = new Error("broken");
    const thrower = () => {
      throw broken;
    };
    const badChecker = { credentialInterfaces: [IAnonymous], requestAvatarId: thrower };
    expect(errorOf(new Portal(new Realm(), [badChecker]).login(new Anonymous(), null))).toBe(broken);
    expect(errorOf(new Portal({ requestAvatar: thrower }, [answering("ann")]).login(new Anonymous(), null))).toBe(
      broken,
    );
    const denying: IRealm = { requestAvatar: () => Promise.reject(new LoginDenied("not you")) };
    const denied = new Portal(denying, [answering("ann")]).login(new Anonymous(), null);
    const unsupported = new Portal(new Realm(), [answering("ann")]).login(new Anonymous(), null, IOther);
    expect(errorOf(unsupported)).toBeInstanceOf(NotImplementedError);
    return expect(denied.then()).rejects.toBeInstanceOf(LoginDenied);
  });

  test("A4: an answer of the checker that is no avatar id is a failure, and the realm is not asked", () => {
    for (const answer of [undefined, null, true, 0, {}, [], new Error("no"), Symbol("ANONYMOUS")]) {
      const realm = new Realm();
      const login = new Portal(realm, [answering(answer)]).login(new Anonymous(), null, ITestable);
      expect(errorOf(login)).toBeInstanceOf(UnauthorizedLogin);
      expect(realm.asked).toEqual([]);
    }
  });

  test("waits for a checker and a realm that answer by Deferred or Promise", async () => {
    const id = new Deferred<AvatarId>();
    const avatar = new Avatar("ann");
    const slow: IRealm = { requestAvatar: () => Promise.resolve<PortalLogin>([ITestable, avatar, () => {}]) };
    const login = new Portal(slow, [answering(id)]).login(new Anonymous(), null, ITestable);
    id.callback("ann");
    expect((await login)[1]).toBe(avatar);
    const promised = new Portal(new Realm(), [answering(Promise.resolve("bob"))]);
    expect((await promised.login(new Anonymous(), null, ITestable))[1]).toMatchObject({ name: "bob" });
  });

  test("has the type of what was asked for", () => {
    const avatar = <T>(login: Deferred<PortalLogin<T>>): T => resultOf(login)[1];
    const [portal] = portalWith();
    const credentials = new UsernamePassword("ann", "secret");
    expectTypeOf(avatar(portal.login(credentials, null, ITestable))).toEqualTypeOf<ITestable>();
    expectTypeOf(avatar(portal.login(credentials, null, ITestable, IOther))).toEqualTypeOf<
      ITestable | { other: string }
    >();
    const some: InterfaceToken[] = [ITestable];
    expectTypeOf(avatar(portal.login(credentials, null, ...some))).toEqualTypeOf<unknown>();
    expectTypeOf(() => avatar(portal.login(credentials, null))).returns.toEqualTypeOf<unknown>();
  });
});

test("a realm needs no declaration", () => {
  expect(providedBy(IRealm, new Realm())).toBe(true);
  expect(providedBy(IRealm, {})).toBe(false);
});
