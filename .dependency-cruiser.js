// Imports make no cycle and point down the layers only.
const conch = "^packages/conch/src/";
const tests = "\\.test\\.";

const below = (name, from, to, comment) => ({
  name,
  severity: "error",
  comment,
  from: { path: from, pathNot: tests },
  to: { path: to },
});

/** @type {import('dependency-cruiser').IConfiguration} */
export default {
  forbidden: [
    {
      name: "no-cycle",
      severity: "error",
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ["type-only"] } },
    },
    { name: "resolvable", severity: "error", from: {}, to: { couldNotResolve: true } },
    below(
      "reactor",
      "^packages/reactor",
      "^packages/(cred|conch|examples)|^tests",
      "the reactor stands on nothing of ours",
    ),
    {
      name: "light-start",
      severity: "error",
      comment: "a plain import of the reactor loads nothing that few programs need",
      from: { path: "^packages/reactor/src/index\\.ts$" },
      to: {
        path: "^packages/reactor/src/(application/|testing/|protocol/reconnecting|protocols/(basic|portforward|wire)|logger/pino)",
        reachable: true,
      },
    },
    below("cred", "^packages/cred", "^packages/(conch|examples)|^tests", "cred knows nothing of SSH"),
    below("conch", "^packages/conch", "^packages/examples|^tests", "examples stand on conch"),
    below("examples", "^packages/examples", "^tests|^packages/[^/]+/src/[^/]+/internal", "tests stand on examples"),
    below(
      "wire",
      `${conch}(wire|messages)/`,
      `${conch}(?!wire/|messages/|error\\.ts)`,
      "wire and messages are the bottom",
    ),
    below(
      "codec",
      `${conch}codec/`,
      `${conch}(?!codec/|wire/|messages/|error\\.ts)`,
      "the codec knows packets, no protocol",
    ),
    below(
      "kex",
      `${conch}kex/`,
      `${conch}(?!kex/|codec/|wire/|messages/|error\\.ts)`,
      "key exchange lies below the transport",
    ),
    below(
      "keys",
      `${conch}(keys/|ssh/keys\\.ts)`,
      `${conch}(?!keys/|ssh/(keys|common|sexpy)\\.ts|wire/|messages/|error\\.ts)`,
      "keys know no protocol",
    ),
    below(
      "transport",
      `${conch}(transport/|ssh/transport\\.ts)`,
      `${conch}(ssh/(userauth|connection|channel|session|factory)\\.ts|userauth/|channel/|avatar\\.ts|checkers)`,
      "the transport knows no service",
    ),
    below(
      "services",
      `${conch}(ssh/(connection|channel|userauth)\\.ts|channel/|userauth/)`,
      `${conch}(ssh/(session|factory)\\.ts|avatar\\.ts|checkers)`,
      "a service asks IConchUser and the portal",
    ),
    below(
      "forwarding",
      `${conch}(ssh/(channel|connection)\\.ts|channel/)`,
      `${conch}(forwarding/|ssh/forwarding\\.ts)`,
      "channels know no forwarding",
    ),
    below("ssh2", "^packages/conch/src/(?!codec/ssh2\\.ts)", "node_modules/ssh2", "one module imports ssh2's codec"),
  ],
  options: {
    doNotFollow: { path: "node_modules|dist|^packages/[^/]+/lib" },
    exclude: { path: "/dist/|^packages/[^/]+/lib/|^\\.\\./lib/" },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.base.json" },
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["strombus-source", "import", "node", "default"],
    },
  },
};
