import { defineConfig, globalIgnores } from "eslint/config";
import { createTypeScriptImportResolver } from "eslint-import-resolver-typescript";
import importX from "eslint-plugin-import-x";
import tseslint from "typescript-eslint";

// Imports point down the layers only: for each folder, what it must never import.
const zone = (target, from, message) => ({ target, from, message });
const conch = "./packages/conch/src";
const layers = [
  zone("./packages/reactor", ["./packages/cred", "./packages/conch", "./packages/examples"], "reactor is the bottom"),
  zone("./packages/cred", ["./packages/conch", "./packages/examples"], "cred knows nothing of SSH"),
  zone("./packages/conch", ["./packages/examples", "./tests"], "examples stand on conch"),
  zone("./packages/examples", ["./tests"], "tests stand on examples"),
  zone(
    [`${conch}/wire`, `${conch}/messages`],
    [`${conch}/codec`, `${conch}/kex`, `${conch}/keys`, `${conch}/transport`, `${conch}/ssh`],
    "wire and messages are the bottom of conch",
  ),
  zone(
    [`${conch}/codec`, `${conch}/kex`, `${conch}/keys`],
    [`${conch}/transport`, `${conch}/ssh/!(keys|common)*`],
    "codec, key exchange and keys lie below the transport",
  ),
  zone(
    [`${conch}/transport`, `${conch}/ssh/transport.ts`],
    [`${conch}/ssh/userauth.ts`, `${conch}/ssh/connection.ts`, `${conch}/ssh/channel.ts`, `${conch}/ssh/session.ts`],
    "the transport knows no service",
  ),
  zone(`${conch}/ssh/connection.ts`, [`${conch}/ssh/session.ts`, `${conch}/avatar.ts`], "a connection asks IConchUser"),
];

export default defineConfig(
  globalIgnores(["**/dist/", "coverage/"]),
  {
    files: ["**/*.ts"],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    plugins: { "import-x": importX },
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    settings: {
      "import-x/resolver-next": [
        createTypeScriptImportResolver({
          project: "packages/*/tsconfig.json",
          conditionNames: ["strombus-source", "types", "import"],
        }),
      ],
    },
    rules: {
      "import-x/no-cycle": "error",
      "import-x/no-restricted-paths": ["error", { zones: layers }],
      "import-x/order": ["error", { alphabetize: { order: "asc" }, "newlines-between": "never", named: true }],
      "@typescript-eslint/consistent-type-imports": "error",
      "@typescript-eslint/no-floating-promises": "error",
      "@typescript-eslint/naming-convention": "off",
      // Twisted's hooks are there to be overridden: their default bodies and unused parameters are the contract.
      "@typescript-eslint/no-empty-function": "off",
      "@typescript-eslint/class-methods-use-this": "off",
      "@typescript-eslint/no-unused-vars": ["error", { args: "none", caughtErrors: "none" }],
      "@typescript-eslint/no-extraneous-class": "off",
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true, allowBoolean: true }],
      "@typescript-eslint/no-confusing-void-expression": "off",
      "@typescript-eslint/prefer-promise-reject-errors": "off",
      "@typescript-eslint/only-throw-error": "off",
      // The wire gives indices that a check on the length above has proved; `!` says so.
      "@typescript-eslint/no-non-null-assertion": "off",
      "@typescript-eslint/no-invalid-void-type": "off",
      "@typescript-eslint/unified-signatures": "off",
    },
  },
  // The field tables of a message have fields of every type: the one `any` in the code base, never in a public type.
  { files: ["packages/conch/src/wire/**"], rules: { "@typescript-eslint/no-explicit-any": "off" } },
);
