import { defineConfig, globalIgnores } from "eslint/config";
import tseslint from "typescript-eslint";

// The layers and cycles of imports are dependency-cruiser's: see .dependency-cruiser.js.
export default defineConfig(globalIgnores(["**/dist/", "packages/*/lib/", "coverage/"]), {
  files: ["**/*.ts"],
  extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
  languageOptions: {
    parserOptions: {
      projectService: { allowDefaultProject: ["vitest.config.ts"] },
      tsconfigRootDir: import.meta.dirname,
    },
  },
  rules: {
    "@typescript-eslint/consistent-type-imports": "error",
    "@typescript-eslint/no-floating-promises": "error",
    "@typescript-eslint/no-misused-promises": "error",
    // Twisted's hooks are there to be overridden: their default bodies and unused parameters are the contract.
    "@typescript-eslint/no-empty-function": "off",
    "@typescript-eslint/no-unused-vars": ["error", { args: "none" }],
    "@typescript-eslint/no-extraneous-class": "off",
    // An interface and its run-time token share a name.
    "@typescript-eslint/no-redeclare": "off",
    "@typescript-eslint/restrict-template-expressions": [
      "error",
      { allowNumber: true, allowBoolean: true, allowNullish: true },
    ],
    "@typescript-eslint/no-confusing-void-expression": "off",
    // Deferreds and checkers refuse with whatever the application throws.
    "@typescript-eslint/prefer-promise-reject-errors": "off",
    "@typescript-eslint/only-throw-error": "off",
    // A length check above proves an index; `!` says so.
    "@typescript-eslint/no-non-null-assertion": "off",
    "@typescript-eslint/no-invalid-void-type": "off",
    "@typescript-eslint/unified-signatures": "off",
    "@typescript-eslint/no-unnecessary-type-parameters": "off",
  },
});
