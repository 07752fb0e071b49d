/** Twisted's cred for Node.js: a portal lets in whom a checker knows, and a realm makes the avatar. */
export * from "./checkers.js";
export { registerCred } from "./container.js";
export * from "./credentials.js";
export * from "./error.js";
export * from "./portal.js";
