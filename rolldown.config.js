// What Node runs of a package: a few files instead of hundreds, since a server's start is mostly the finding of files.
// A file for each module that package.json exports, and one that they share, of all that a common server uses.
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { isAbsolute, join } from "node:path";
import { defineConfig } from "rolldown";

const COMMON = {
  reactor: ["index"],
  cred: ["portal", "checkers"],
  conch: ["ssh/factory", "ssh/session", "checkers", "avatar"],
};

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
    const folder = `${import.meta.dirname}/packages/${name}`;
    const { exports, bin = {} } = JSON.parse(readFileSync(`${folder}/package.json`, "utf8"));
    const modules = Object.entries(exports).map(([path, entry]) => {
      const [, module] = /^\.\/lib\/(.*)\.js$/.exec(entry.default) ?? [];
      if (module === undefined) throw new Error(`${name}: "default" of "${path}" is to be below ./lib/`);
      return module;
    });
    if (bin.strombus !== undefined) modules.push("application/runner/main");
    const isCommon = loadedWith(common.map((module) => `${folder}/dist/${module}.js`));
    return {
      input: Object.fromEntries(modules.map((module) => [module, `${folder}/dist/${module}.js`])),
      external: (id) => !id.startsWith(".") && !isAbsolute(id),
      platform: "node",
      plugins: [inPlace(`${folder}/lib`)],
      output: {
        dir: `${folder}/lib`,
        sourcemap: true,
        comments: false,
        chunkFileNames: "shared/[name]-[hash].js",
        codeSplitting: {
          groups: [{ debugName: "common", name: (id, context) => (isCommon(id, context) ? "common" : null) }],
        },
      },
    };
  }),
);
