/** Dependency injection by tsyringe, which needs `Reflect.getMetadata` before it loads: that is seen to here, once. */
import "reflect-metadata";

export type { DependencyContainer, InjectionToken } from "tsyringe";
export { Lifecycle, container, inject, injectAll, injectable, singleton } from "tsyringe";
