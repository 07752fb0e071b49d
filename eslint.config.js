import { defineConfig, globalIgnores } from "eslint/config";
import tseslint from "typescript-eslint";

// The layers and cycles of imports are dependency-cruiser's: see .dependency-cruiser.js.
export default defineConfig(
  globalIgnores(["**/dist/", "packages/*/lib/", "coverage/"]),
  {
    files: ["**/*.ts"],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: {
      parserOptions: {
        project: "./tsconfig.lint.json", // all in one: what projects share is looked at once
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
  },
  {
    files: ["packages/{reactor,cred,conch}/src/**/*.ts"],
    ignores: ["**/*.test.*"],
    rules: {
      // V8 makes such a function in its old space, where it holds all that it knows of, dead or alive, until the next full
      // collection: mostly a whole connection.
      "no-restricted-syntax": [
        "error",
        {
          selector: "AssignmentExpression[left.type='MemberExpression'][right.type=/Function/]",
          message:
            "Give the function a name first, or make it a method: V8 would hold its context (docs/performance.md).",
        },
      ],
    },
  },
);
