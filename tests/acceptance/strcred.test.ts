/** `--auth` finds the checkers of other packages beside the program that runs, by their names. */
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect, test } from "vitest";
import { root } from "../support/example.js";
import { temporaryFolder } from "../support/folder.js";

const built = (module: string) => JSON.stringify(pathToFileURL(join(root, "packages", module)).href);

function addPackage(folder: string, name: string, code: string): void {
  const path = join(folder, "node_modules", name);
  mkdirSync(path, { recursive: true });
  writeFileSync(join(path, "package.json"), JSON.stringify({ name, type: "module", exports: "./index.js" }));
  writeFileSync(join(path, "index.js"), code);
}

test("packages named strombus-auth-..., and Conch's own; one that is broken does not matter", () => {
  const folder = temporaryFolder();
  const credentials = built("cred/lib/common.js");
  addPackage(
    folder,
    "strombus-auth-easy",
    `import { IUsernamePassword } from ${credentials};
    export const easy = { authType: "easy", authHelp: "", argStringFormat: "a name", credentialInterfaces: [IUsernamePassword],
      generateChecker: (name) => ({ credentialInterfaces: [IUsernamePassword], requestAvatarId: () => name }) };`,
  );
  addPackage(folder, "strombus-auth-broken", "throw new Error('broken')");
  addPackage(folder, "something-else", "process.exit(9)");
  const program = join(folder, "program.mjs");
  writeFileSync(
    program,
    `import { findCheckerFactories, makeChecker } from ${built("cred/lib/strcred.js")};
    console.log(findCheckerFactories().map(({ authType }) => authType).join(), makeChecker("easy:ann").requestAvatarId());`,
  );
  const printed = execFileSync(process.execPath, [program], { cwd: "/", stdio: ["ignore", "pipe", "pipe"] }).toString();
  expect(printed.trim().split("\n").at(-1)).toBe("anonymous,file,memory,sshkey,unix,easy ann");
});
