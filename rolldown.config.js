// What Node runs of a package: a few files instead of hundreds, since a server's start is mostly the finding of files.
// `common.js` has all that a common server uses, and modules that are wholly in it have no file of their own: package.json
// says so. One package takes what it needs of another's from there, and not by way of a module that hands it on: packages
// are released together, and ask for each other's exact version.
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { isAbsolute, join } from "node:path";
import { defineConfig } from "rolldown";

/** The modules that a common server imports. They are common.js, with all that they import but for what is rare. */
const COMMON = {
  reactor: ["index", "components", "exceptions", "protocol", "task/later", "util"],
  cred: ["portal", "checkers", "credentials"],
  conch: ["ssh/factory", "ssh/session", "avatar"],
};

/** What common modules import and seldom use: loaded when one of its functions or classes is first called. */
const RARE = {
  reactor: [
    "components/proxy",
    "logger/format",
    "logger/json",
    "logger/json-file",
    "process/spawn",
    "stream/adopted",
    "stream/tcp-connector",
    "stream/unix",
    "threads/pool",
    "udp",
  ],
  cred: [],
  conch: [
    "codec/cbc",
    "codec/node-crypto",
    "defence/heap",
    "kex/foreign-group",
    "kex/sntrup761",
    "keys/certificate",
    "keys/generate",
    "keys/lsh",
    "keys/pem",
    "keys/putty",
    "keys/randomart",
    "keys/rfc4716",
    "keys/sshcom",
  ],
};

const PACKAGES = join(import.meta.dirname, "packages");

/** The path of a module of ours, as tsc built it. */
const built = (name, module) => join(PACKAGES, name, "dist", `${module}.js`);

/** The paths of all modules that are loaded with `entries`, but for `others` and what only they import. */
function loadedWith(entries, others) {
  const reached = new Set(entries);
  for (const path of reached) {
    for (const [, from] of readFileSync(path, "utf8").matchAll(/^(?:import|export) [^;]*?"(\.[^"]+)";/gm)) {
      const next = join(path, "..", from);
      if (!others.has(next)) reached.add(next);
    }
  }
  return reached;
}

/** For common modules, what a rare module exports, by functions that load it. */
function lazily(name, common) {
  const prefix = "\0rare:";
  const rare = new Map(RARE[name].map((module) => [built(name, module), module]));
  return {
    name: "lazily",
    resolveId(from, importer) {
      const module = importer && rare.get(join(importer, "..", from));
      return module !== undefined && common.has(importer) ? prefix + module : null;
    },
    load(id) {
      if (!id.startsWith(prefix)) return null;
      const module = id.slice(prefix.length);
      const code = readFileSync(built(name, module), "utf8");
      const exports =
        /^export (?:(?:async )?function\*? (?<called>\w+)|class (?<made>\w+)|\{ (?<decorated>.*) \};|.*)/gm;
      const functions = [...code.matchAll(exports)].map(({ 0: line, groups: { called, made, decorated } }) => {
        if (called !== undefined) return `export function ${called}(...given) { return load().${called}(...given); }`;
        const type = made ?? decorated;
        if (!/^\w+$/.test(type)) throw new Error(`${module} cannot be loaded later: ${line}`);
        return `export function ${type}(...given) { return new (load().${type})(...given); }`;
      });
      return `import { createRequire } from "node:module";
        let loaded;
        const load = () => (loaded ??= createRequire(import.meta.url)("./rare/${module}.js"));
        ${functions.join("\n")}`;
    },
    transform(code, id) {
      if (!common.has(id)) return;
      const rest = code.replaceAll(/^import .*|\/\*[^]*?\*\/|\/\/.*/gm, "");
      for (const [, names, from] of code.matchAll(/^import \{([^}]*)\} from "(\.[^"]+)";/gm)) {
        if (!rare.has(join(id, "..", from))) continue;
        for (const each of names.split(",").map((each) => each.trim())) {
          if (new RegExp(`(extends|instanceof) ${each}\\b|\\b${each}\\.`).test(rest)) {
            throw new Error(`${id}: ${each} of ${from} is loaded later and can only be called`);
          }
        }
      }
    },
  };
}

/** What package.json says of each module: its path, its name below src, and its file ("./lib/common.js" or its own). */
function modulesOf(name) {
  const { exports, bin = {} } = JSON.parse(readFileSync(join(PACKAGES, name, "package.json"), "utf8"));
  delete exports["./common"]; // made of all the others
  const modules = Object.entries(exports).map(([path, entry]) => ({
    path,
    module: /^\.\/src\/(.*)\.ts$/.exec(entry["strombus-source"])[1],
    file: entry.default,
  }));
  const main = "application/runner/main";
  return bin.strombus === undefined ? modules : [...modules, { path: null, module: main, file: `./lib/${main}.js` }];
}

const pairs = (list) => list.split(",").map((each) => each.trim().split(" as "));

/** Where another package's module is, or its text in such a form that what common.js has of it is taken from there. */
function otherPackages(id) {
  const [, name, path = ""] = /^@strombus\/(\w+)(\/.+)?$/.exec(id);
  const common = `@strombus/${name}/common`;
  const { file } = modulesOf(name).find((each) => each.path === `.${path}`);
  if (file === "./lib/common.js") return { id: common };
  const code = readFileSync(join(PACKAGES, name, file), "utf8");
  const [whole, list] = /^export (\{.*\}) from "[./]+\/common\.js";$/m.exec(code) ?? [];
  if (whole !== undefined) return { text: `export ${list} from "${common}";` };
  const [, taken] = /^import \{(.*)\} from "[./]+\/common\.js";$/m.exec(code) ?? [];
  if (taken === undefined) return { id };
  const inCommon = new Map(pairs(taken).map(([theirs, ours = theirs]) => [ours, theirs]));
  const given = pairs(/^export \{(.*)\};$/m.exec(code)[1]);
  const names = given.map(([ours, as = ours]) => [as, inCommon.get(ours)]);
  return {
    text: `
      export { ${names.flatMap(([as, theirs]) => (theirs === undefined ? [] : `${theirs} as ${as}`))} } from "${common}";
      export { ${names.flatMap(([as, theirs]) => (theirs === undefined ? as : []))} } from "${id}";`,
  };
}

const straight = {
  name: "straight",
  resolveId(from, importer) {
    if (!from.startsWith("@strombus/")) return null;
    if (importer.startsWith("\0@strombus/")) return { id: from, external: true };
    const { id, text } = otherPackages(from);
    return text === undefined ? { id, external: true } : `\0${from}`;
  },
  load: (id) => (id.startsWith("\0@strombus/") ? otherPackages(id.slice(1)).text : null),
};

/** Holds package.json to what is in common.js. */
function honest(name) {
  return {
    name: "honest",
    generateBundle(_, bundle) {
      for (const { path, module, file } of modulesOf(name)) {
        const own = bundle[`${module}.js`];
        const isCommon = /^export \{[^}]*\} from "[./]+\/common\.js";\s*$/.test(own.code) && !own.code.includes(" as ");
        const right = isCommon ? "./lib/common.js" : `./lib/${module}.js`;
        if (file !== right) throw new Error(`"default" of "${path}" in ${name}'s package.json is to be "${right}"`);
        if (isCommon) delete bundle[own.fileName];
      }
    },
  };
}

/** Writes what has changed and removes what is no more: programs that start meanwhile find all they need. */
function inPlace(folder) {
  return {
    name: "in-place",
    generateBundle(_, bundle) {
      const present = existsSync(folder) ? readdirSync(folder, { recursive: true, withFileTypes: true }) : [];
      for (const entry of present.filter((each) => each.isFile())) {
        const path = join(entry.parentPath, entry.name);
        const made = bundle[path.slice(folder.length + 1)];
        if (made === undefined) rmSync(path);
        else if (readFileSync(path, "utf8") === (made.code ?? made.source)) delete bundle[made.fileName];
      }
    },
  };
}

export default defineConfig(
  Object.keys(COMMON).map((name) => {
    const folder = join(PACKAGES, name);
    const rare = new Set(RARE[name].map((module) => built(name, module)));
    const common = loadedWith(new Set(COMMON[name].map((module) => built(name, module))), rare);
    const isCommon = (id) => common.has(id) || id.startsWith("\0rare:");
    return {
      input: Object.fromEntries([
        ...modulesOf(name).map(({ module }) => [module, built(name, module)]),
        ...RARE[name].map((module) => [`rare/${module}`, built(name, module)]),
      ]),
      external: (id) => !/^([.\0]|@strombus\/)/.test(id) && !isAbsolute(id),
      platform: "node",
      treeshake: { moduleSideEffects: (id) => !/^(@strombus\/|node:)/.test(id) },
      plugins: [lazily(name, common), straight, honest(name), inPlace(`${folder}/lib`)],
      output: {
        dir: `${folder}/lib`,
        sourcemap: true,
        comments: false,
        chunkFileNames: ({ name }) => (name === "common" ? "common.js" : "shared/[name]-[hash].js"),
        minifyInternalExports: false,
        codeSplitting: { groups: [{ debugName: "common", name: (id) => (isCommon(id) ? "common" : null) }] },
      },
    };
  }),
);
