/**
 * Interfaces, adapters and injection (zope.interface, twisted.python.components, tsyringe): one token per interface
 * serves to declare it, to ask for it, to adapt to it and to inject it.
 *
 * ```ts
 * export interface IGreeter { greet(name: string): string }
 * export const IGreeter = interfaceToken<IGreeter>("IGreeter", [], ["greet"]);
 *
 * providedBy(IGreeter, object); // or: object instanceof IGreeter
 * adapt(IGreeter, object, null)?.greet("you");
 * container.register(IGreeter, { useClass: Greeter });
 * ```
 */
export { Adapter, Componentized, ReprableComponentized } from "./components/componentized.js";
export {
  type Class,
  type InterfaceToken,
  type Specification,
  classImplements,
  declaredInterfaces,
  directlyProvides,
  extendsOrIs,
  implementedBy,
  implementer,
  interfaceToken,
  isInterfaceToken,
  providedBy,
} from "./components/interface.js";
export { type ProxyOptions, proxyForInterface } from "./components/proxy.js";
export {
  ALLOW_DUPLICATES,
  type AdapterFactory,
  type AdapterHook,
  AdapterRegistry,
  CannotAdapt,
  adapt,
  adapterHooks,
  getAdapterFactory,
  getRegistry,
  registerAdapter,
  setAllowDuplicates,
} from "./components/registry.js";
