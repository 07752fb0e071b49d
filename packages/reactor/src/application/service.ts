/** Services: the parts of an application, started and stopped together (twisted.application.service). */
export { Application, type ApplicationOptions, IProcess, Process } from "./service/application.js";
export { IServiceMaker, ServiceMaker } from "./service/maker.js";
export { IService, IServiceCollection, MultiService, Service } from "./service/service.js";
