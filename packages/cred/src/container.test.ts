import { interfaceToken } from "@strombus/reactor/components";
import { type DependencyContainer, container as root, inject, injectable } from "@strombus/reactor/container";
import { beforeEach, describe, expect, test } from "vitest";
import {
  AllowAnonymousAccess,
  Anonymous,
  IAnonymous,
  ICredentialsChecker,
  IRealm,
  IUsernameHashedPassword,
  IUsernamePassword,
  InMemoryUsernamePasswordDatabaseDontUse,
  Portal,
  type PortalLogin,
  registerCred,
} from "./index.js";
import { resultOf } from "./outcome.test.support.js";

interface IGreeting {
  text: string;
}
const IGreeting = interfaceToken<IGreeting>("IGreeting");

@injectable()
class GreetingRealm implements IRealm {
  constructor(@inject(IGreeting) readonly greeting: IGreeting) {}
  requestAvatar(): PortalLogin {
    return [IGreeting, this.greeting, () => {}];
  }
}

@injectable()
class Server {
  constructor(@inject(Portal) readonly portal: Portal) {}
}

let container: DependencyContainer;

beforeEach(() => {
  container = root.createChildContainer();
  container.register(IGreeting, { useValue: { text: "hello" } }).register(IRealm, { useClass: GreetingRealm });
});

describe("a portal from a container", () => {
  test("gets the realm and every checker, in the order of registration", () => {
    container.register(ICredentialsChecker, { useClass: AllowAnonymousAccess });
    container.register(ICredentialsChecker, { useValue: new InMemoryUsernamePasswordDatabaseDontUse() });
    const portal = registerCred(container).resolve(Portal);
    expect(portal.realm).toBeInstanceOf(GreetingRealm);
    expect(portal.listCredentialsInterfaces()).toEqual([IAnonymous, IUsernamePassword, IUsernameHashedPassword]);
    const [, avatar] = resultOf(portal.login(new Anonymous(), null, IGreeting));
    expect(avatar.text).toBe("hello");
  });

  test("is one, also for those who ask a child container, and is injected into constructors", () => {
    registerCred(container);
    const server = container.createChildContainer().resolve(Server);
    expect(server.portal).toBeInstanceOf(Portal);
    expect(container.resolve(Portal)).toBe(server.portal);
  });

  test("may have no checker, but not no realm", () => {
    expect(registerCred(container).resolve(Portal).listCredentialsInterfaces()).toEqual([]);
    const bare = registerCred(root.createChildContainer());
    expect(() => bare.resolve(Portal)).toThrow(/IRealm is an interface: nothing is registered/);
  });
});

test("a portal works without a container", () => {
  const portal = new Portal(new GreetingRealm({ text: "hi" }), [new AllowAnonymousAccess()]);
  expect(resultOf(portal.login(new Anonymous(), null, IGreeting))[1].text).toBe("hi");
});
