/** The packages as Node runs them: what package.json exports can be imported, and required by a program that is CommonJS. */
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { root } from "../support/example.js";
import { temporaryFolder } from "../support/folder.js";

interface Manifest {
  readonly exports: Readonly<Record<string, unknown>>;
}

const ED25519 = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAUFtdJZ2iCgWGDBBDs4jKqXWyCsGTjXSHYCQXsGE6Pe";

function run(type: "commonjs" | "module", code: string): string {
  const args = [`--input-type=${type}`, "--disable-warning=ExperimentalWarning", "--eval", code];
  return execFileSync(process.execPath, args, { cwd: join(root, "tests"), encoding: "utf8" });
}

describe.each(["reactor", "cred", "conch"])("@strombus/%s", (name) => {
  const { exports } = JSON.parse(readFileSync(join(root, "packages", name, "package.json"), "utf8")) as Manifest;
  const modules = JSON.stringify(Object.keys(exports).map((path) => `@strombus/${name}${path.slice(1)}`));

  test("every module is there for import, and for require the very same", () => {
    const code = `import { createRequire } from "node:module";
      const require = createRequire(import.meta.url);
      for (const name of ${modules}) console.log(name, (await import(name)) === require(name));`;
    const lines = run("module", code).trim().split("\n");
    expect(lines.filter((line) => !line.endsWith(" true"))).toEqual([]);
  });

  test("every module can be required, by a program that imports none", () => {
    expect(run("commonjs", `for (const name of ${modules}) require(name);`)).toBe("");
  });

  test("errors have the names that they are exported by", () => {
    const code = `for (const name of ${modules})
      for (const [as, made] of Object.entries(require(name)))
        if (made?.prototype instanceof Error && made.name !== as.replace(/\\$1$/, "")) console.log(name, as, made.name);`;
    expect(run("commonjs", code)).toBe("");
  });
});

/** Each rare module, by what loads it. */
const CASES = [
  ["reactor:components/proxy", `proxyForInterface(interfaceToken("IAny", [], ["any"]));`],
  ["reactor:logger/format", `if (formatEvent({ log_format: "{a}", a: 1 }) !== "1") throw new Error();`],
  ["reactor:logger/json", `eventAsJSON({});`],
  ["reactor:logger/json-file", `jsonFileLogObserver({ write() {} });`],
  ["reactor:process/spawn", `reactor.spawnProcess(new ProcessProtocol(), process.execPath, ["node", "--version"]);`],
  ["reactor:stream/adopted", `quietly(() => reactor.adoptStreamPort(99, "INET", new Factory()));`],
  ["reactor:stream/tcp-connector", `reactor.connectTCP("127.0.0.1", 1, new ClientFactory());`],
  ["reactor:stream/unix", `reactor.connectUNIX("/nowhere", new ClientFactory());`],
  ["reactor:threads/pool", `reactor.getThreadPool();`],
  ["reactor:udp", `reactor.listenUDP(0, new DatagramProtocol(), { interface: "127.0.0.1" });`],
  ["conch:defence/heap", `new Defence().admit({ type: "TCP", host: "192.0.2.1", port: 1 });`],
  ["conch:keys/generate", `Key.generate("ed25519");`],
  ["conch:keys/lsh", `Key.generate("rsa", 2048).toString("lsh");`],
  ["conch:keys/pem", `Key.fromString(Key.generate("ecdsa").toString("openssh", { subtype: "PKCS8" }));`],
  ["conch:keys/putty", `quietly(() => Key.fromString("PuTTY-User-Key-File-3: ssh-ed25519"));`],
  ["conch:keys/randomart", `Key.fromString(${JSON.stringify(ED25519)}).randomArt();`],
  ["conch:keys/rfc4716", `quietly(() => Key.fromString("---- BEGIN SSH2 PUBLIC KEY ----"));`],
  ["conch:keys/sshcom", `quietly(() => Key.fromString("---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----"));`],
] as const;

/** Those that are asked for by a peer, or where there is no addon: tests with other people's programs do. */
const BY_PEERS = [
  "conch:codec/cbc",
  "conch:codec/node-crypto",
  "conch:kex/foreign-group",
  "conch:kex/sntrup761",
  "conch:keys/certificate",
];

describe("what is rare is loaded", () => {
  /** What of the packages' rare modules is loaded after a program that may use what a server imports. */
  function rare(code: string): string {
    const program = `import { createRequire } from "node:module";
      import { interfaceToken, proxyForInterface } from "@strombus/reactor/components";
      import { ClientFactory, DatagramProtocol, Factory, ProcessProtocol } from "@strombus/reactor/protocol";
      import { eventAsJSON, formatEvent, jsonFileLogObserver } from "@strombus/reactor/logger";
      import { reactor } from "@strombus/reactor";
      import { Defence } from "@strombus/conch/defence";
      import { SSHFactory } from "@strombus/conch/ssh/factory";
      import { Key } from "@strombus/conch/ssh/keys";
      const quietly = (call) => { try { return call(); } catch (error) { if (error.code === undefined) throw error; } };
      ${code}
      const { cache } = createRequire(import.meta.url);
      console.log(Object.keys(cache).flatMap((path) => /packages.(\\w+).lib.rare.(.*)\\.js$/.exec(path)?.slice(1).join(":") ?? []).join());
      process.exit();`;
    return run("module", program).trim();
  }

  test("by nothing that a server does at its start", () => {
    const file = join(temporaryFolder(), "key");
    execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", file]);
    const code = `const key = Key.fromFile(${JSON.stringify(file)});
      const factory = new SSHFactory();
      factory.privateKeys = { [key.sshType()]: key };
      factory.publicKeys = { [key.sshType()]: key.public() };
      reactor.listenTCP(0, factory, { interface: "127.0.0.1" });`;
    expect(rare(code)).toBe("");
  });

  test("and each of it has a case", () => {
    const modules = ["reactor", "conch"].flatMap((name) =>
      readdirSync(join(root, "packages", name, "lib/rare"), { recursive: true, encoding: "utf8" })
        .filter((path) => path.endsWith(".js"))
        .map((path) => `${name}:${path.slice(0, -3)}`),
    );
    expect([...CASES.map(([module]) => module), ...BY_PEERS].sort()).toEqual(modules.sort());
  });

  test.each(CASES)("%s by its first use", (module, code) => {
    expect(rare(code).split(",")).toContain(module);
  });
});

test("a class is one and the same in whatever modules it is met", () => {
  const code = `const { Portal } = require("@strombus/cred/portal");
    console.log(Portal === require("@strombus/cred").Portal);
    console.log(require("@strombus/conch/ssh/factory").SSHFactory.name, Object.getPrototypeOf(require("@strombus/conch/ssh/factory").SSHFactory).name);`;
  expect(run("commonjs", code)).toBe("true\nSSHFactory Factory\n");
});
