// What Node runs of a package: a few files instead of hundreds, since a server's start is mostly the finding of files.
// A file for each module that package.json exports, and `common.js` behind them, with all that a common server uses. One
// package takes what it needs of another's from there, and not by way of a module that only hands it on: packages are
// released together, and ask for each other's exact version.
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { isAbsolute, join } from "node:path";
import { defineConfig } from "rolldown";

const COMMON = {
  reactor: ["index", "components", "exceptions", "protocol", "task", "util"],
  cred: ["portal", "checkers", "credentials"],
  conch: ["ssh/factory", "ssh/session", "avatar"],
};

const PACKAGES = join(import.meta.dirname, "packages");

/** Whether a module of `dist` is loaded when one of `entries` is. */
function loadedWith(entries) {
  let reached;
  return (id, context) => {
    if (reached === undefined) {
      reached = new Set(entries);
      for (const each of reached) for (const next of context.getModuleInfo(each)?.importedIds ?? []) reached.add(next);
    }
    return reached.has(id);
  };
}

/** The text of a module of ours, as it was built, that only hands on what its package's common.js has; null for others. */
function handedOn(id) {
  const [, name, module] = /^@strombus\/(\w+)(?:\/(.+))?$/.exec(id) ?? [];
  if (name === undefined) return null;
  const code = readFileSync(join(PACKAGES, name, "lib", `${module ?? "index"}.js`), "utf8");
  const found = /^(export \{[^}]*\} from )"[./]+\/common\.js";\s*$/.exec(code);
  return found && `${found[1]}"@strombus/${name}/common";`;
}

const straight = {
  name: "straight",
  resolveId: (id) => (handedOn(id) === null ? null : `\0${id}`),
  load: (id) => (id.startsWith("\0@strombus/") ? handedOn(id.slice(1)) : null),
};

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
  Object.entries(COMMON).map(([name, common]) => {
    const folder = join(PACKAGES, name);
    const { exports, bin = {} } = JSON.parse(readFileSync(`${folder}/package.json`, "utf8"));
    delete exports["./common"]; // made of all the others
    const modules = Object.entries(exports).map(([path, entry]) => {
      const [, module] = /^\.\/lib\/(.*)\.js$/.exec(entry.default) ?? [];
      if (module === undefined) throw new Error(`${name}: "default" of "${path}" is to be below ./lib/`);
      return module;
    });
    if (bin.strombus !== undefined) modules.push("application/runner/main");
    const isCommon = loadedWith(common.map((module) => `${folder}/dist/${module}.js`));
    return {
      input: Object.fromEntries(modules.map((module) => [module, `${folder}/dist/${module}.js`])),
      external: (id) => !/^[.\0]/.test(id) && !isAbsolute(id) && handedOn(id) === null,
      platform: "node",
      plugins: [straight, inPlace(`${folder}/lib`)],
      output: {
        dir: `${folder}/lib`,
        sourcemap: true,
        comments: false,
        chunkFileNames: ({ name }) => (name === "common" ? "common.js" : "shared/[name]-[hash].js"),
        minifyInternalExports: false,
        codeSplitting: {
          groups: [{ debugName: "common", name: (id, context) => (isCommon(id, context) ? "common" : null) }],
        },
      },
    };
  }),
);
