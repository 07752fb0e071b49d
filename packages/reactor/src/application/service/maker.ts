/** Services that are made from a module when they are wanted. */
import { implementer, type InterfaceToken, interfaceToken } from "../../components.js";
import type { IService } from "./service.js";

/** Makes a service out of options. */
export interface IServiceMaker {
  /** A short name for command lines. */
  readonly tapname: string;
  readonly description: string;
  /** Describes the options: what the module exports as `Options`, once it is loaded. */
  readonly options: unknown;
  makeService(options: unknown): IService | PromiseLike<IService>;
}
export const IServiceMaker: InterfaceToken<IServiceMaker> = interfaceToken<IServiceMaker>(
  "IServiceMaker",
  [],
  ["tapname", "description", "options", "makeService"],
);

interface ServiceModule {
  readonly Options?: unknown;
  readonly makeService: (options: unknown) => IService | PromiseLike<IService>;
}

/** Loads `module`, a specifier or URL for `import`, when a service is made, by the module's own `makeService`. */
@implementer(IServiceMaker)
export class ServiceMaker implements IServiceMaker {
  options: unknown = undefined;

  constructor(
    readonly name: string,
    readonly module: string,
    readonly description: string,
    readonly tapname: string,
  ) {}

  async makeService(options: unknown): Promise<IService> {
    const { Options, makeService } = (await import(this.module)) as ServiceModule;
    this.options = Options;
    return makeService(options);
  }
}
