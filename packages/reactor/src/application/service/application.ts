/** What an application is to the program that runs it: a service, and who the process shall be. */
import { adapt, Componentized, implementer, type InterfaceToken, interfaceToken } from "../../components.js";
import { IService, MultiService } from "./service.js";

/** What the process that runs an application shall be. */
export interface IProcess {
  /** How it calls itself; null leaves it. */
  processName: string | null;
  /** The user to become, as a number or a name; null to stay. */
  uid: number | string | null;
  /** The group to become; null to stay. */
  gid: number | string | null;
}
export const IProcess: InterfaceToken<IProcess> = interfaceToken<IProcess>(
  "IProcess",
  [],
  ["processName", "uid", "gid"],
);

/** What the application's process is called, and whom it is to become. */
@implementer(IProcess)
export class Process implements IProcess {
  processName: string | null = null;

  constructor(
    public uid: number | string | null = null,
    public gid: number | string | null = null,
  ) {}
}

export interface ApplicationOptions {
  uid?: number | string | null;
  gid?: number | string | null;
}

/**
 * The top of an application. Services join it by `setServiceParent`; `adapt(IService, application)`, and the same with
 * IServiceCollection and IProcess, reach its parts.
 *
 * ```ts
 * export const application = Application("echo", { uid: "nobody" });
 * new TCPServer(7, factory).setServiceParent(application);
 * ```
 */
export function Application(name: string, { uid = null, gid = null }: ApplicationOptions = {}): Componentized {
  const application = new Componentized();
  application.addComponent(new MultiService(), true);
  application.addComponent(new Process(uid, gid), true);
  adapt(IService, application).setName(name);
  return application;
}
