/** Registration of cred with a tsyringe container. */
import { type DependencyContainer, container as root } from "@strombus/reactor/container";
import { ICredentialsChecker } from "./checkers.js";
import { IRealm, Portal } from "./portal.js";

/**
 * Registers `Portal`: it is made once, when first asked for, of the container's `IRealm` and of all that is registered
 * as `ICredentialsChecker`, in the order of registration.
 *
 * ```ts
 * container.register(IRealm, { useClass: MyRealm });
 * container.register(ICredentialsChecker, { useValue: new FilePasswordDB("passwords") });
 * registerCred(container).resolve(Portal);
 * ```
 *
 * @param container default the root container.
 * @returns the container.
 */
export function registerCred(container: DependencyContainer = root): DependencyContainer {
  let portal: Portal | null = null;
  return container.register(Portal, { useFactory: () => (portal ??= composePortal(container)) });
}

function composePortal(container: DependencyContainer): Portal {
  const checkers = container.isRegistered(ICredentialsChecker, true) ? container.resolveAll(ICredentialsChecker) : [];
  return new Portal(container.resolve(IRealm), checkers);
}
