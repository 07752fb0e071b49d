/**
 * Everything in the public API that an application may write and Strombus may call: methods of interfaces and of classes
 * that are to be extended, and functions that are handed over. It is read from the sources of what `exports` publishes, so
 * that a new one cannot be missed.
 */
import { existsSync, readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import ts from "typescript";

const PACKAGES = new URL("../../../packages/", import.meta.url).pathname;

interface Export {
  readonly "strombus-source": string;
}

type Declaration = ts.ClassDeclaration | ts.InterfaceDeclaration | ts.TypeAliasDeclaration;

/** One file's declarations and what it takes from others. */
interface Module {
  readonly declarations: ReadonlyMap<string, Declaration>;
  /** Local name to module and the name there. */
  readonly imports: ReadonlyMap<string, readonly [path: string, name: string]>;
  readonly exports: ReadonlyMap<string, readonly [path: string, name: string]>;
  readonly stars: readonly string[];
}

/** When the result of a callback is there: "now", or perhaps "later", when it may be a promise or is not looked at. */
export type When = "now" | "later";

/** Names, `Type.member` or `Type` for a function of its own, of one package. */
export function callables(packageName: string): Map<string, When> {
  const folder = `${PACKAGES}${packageName}/`;
  const { exports } = JSON.parse(readFileSync(`${folder}package.json`, "utf8")) as { exports: Record<string, Export> };
  const reader = new Reader(folder);
  const found = new Map<string, When>();
  for (const entry of Object.values(exports)) {
    for (const [declaration, path] of reader.published(resolve(folder, entry["strombus-source"]))) {
      for (const [name, when] of reader.members(declaration, path)) found.set(name, when);
    }
  }
  return found;
}

class Reader {
  readonly #modules = new Map<string, Module>();

  constructor(readonly folder: string) {}

  /** All types that a module exports, from wherever it has them. */
  published(path: string, seen = new Set<string>()): [Declaration, path: string][] {
    if (seen.has(path)) return [];
    seen.add(path);
    const module = this.#module(path);
    const own: [Declaration, string][] = [];
    for (const [name, [from, original]] of module.exports) {
      const found = this.#find(from, original);
      if (found !== null) own.push(found);
      else if (module.declarations.has(name)) own.push([module.declarations.get(name)!, path]);
    }
    return [...own, ...module.stars.flatMap((star) => this.published(star, seen))];
  }

  /** What a type has that can be called, and what the classes have that it extends. */
  members(declaration: Declaration, path: string): [name: string, when: When][] {
    const name = declaration.name?.text ?? "default";
    if (ts.isTypeAliasDeclaration(declaration)) {
      return hasFunction(declaration.type) ? [[name, whenOf(declaration.type.getText())]] : [];
    }
    const own = (declaration.members as ts.NodeArray<ts.ClassElement | ts.TypeElement>)
      .filter(isCallable)
      .map((member): [string, When] => {
        const type = (member as { type?: ts.TypeNode }).type?.getText() ?? "void";
        return [`${name}.${member.name!.getText()}`, whenOf(type)];
      });
    if (!ts.isClassDeclaration(declaration)) return own;
    const base = declaration.heritageClauses?.find(({ token }) => token === ts.SyntaxKind.ExtendsKeyword)?.types[0];
    const found = base === undefined ? null : this.#find(path, base.expression.getText());
    return found === null ? own : [...own, ...this.members(...found)];
  }

  #find(path: string, name: string): [Declaration, path: string] | null {
    const module = this.#module(path);
    const here = module.declarations.get(name);
    if (here !== undefined) return [here, path];
    const elsewhere = module.imports.get(name) ?? module.exports.get(name);
    if (elsewhere !== undefined && elsewhere[0] !== path) return this.#find(...elsewhere);
    for (const star of module.stars) {
      const found = this.#find(star, name);
      if (found !== null) return found;
    }
    return null;
  }

  #module(path: string): Module {
    let module = this.#modules.get(path);
    if (module === undefined) this.#modules.set(path, (module = read(path)));
    return module;
  }
}

function read(path: string): Module {
  const declarations = new Map<string, Declaration>();
  const imports = new Map<string, [string, string]>();
  const exports = new Map<string, [string, string]>();
  const stars: string[] = [];
  if (!existsSync(path)) return { declarations, imports, exports, stars };
  const source = ts.createSourceFile(path, readFileSync(path, "utf8"), ts.ScriptTarget.Latest, true);
  const from = (specifier: ts.Expression | undefined): string =>
    specifier === undefined
      ? path
      : resolve(dirname(path), (specifier as ts.StringLiteral).text.replace(/\.js$/, ".ts"));
  for (const statement of source.statements) {
    if (ts.isImportDeclaration(statement)) {
      const bindings = statement.importClause?.namedBindings;
      if (bindings === undefined || !ts.isNamedImports(bindings)) continue;
      for (const each of bindings.elements)
        imports.set(each.name.text, [from(statement.moduleSpecifier), (each.propertyName ?? each.name).text]);
    } else if (ts.isExportDeclaration(statement)) {
      const where = from(statement.moduleSpecifier);
      if (statement.exportClause === undefined) stars.push(where);
      else if (ts.isNamedExports(statement.exportClause)) {
        for (const each of statement.exportClause.elements)
          exports.set(each.name.text, [where, (each.propertyName ?? each.name).text]);
      }
    } else if (
      ts.isClassDeclaration(statement) ||
      ts.isInterfaceDeclaration(statement) ||
      ts.isTypeAliasDeclaration(statement)
    ) {
      const name = statement.name?.text ?? "default";
      declarations.set(name, statement);
      if (statement.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword))
        exports.set(name, [path, name]);
    }
  }
  return { declarations, imports, exports, stars };
}

const NOT_PUBLIC = new Set([ts.SyntaxKind.PrivateKeyword, ts.SyntaxKind.ProtectedKeyword, ts.SyntaxKind.StaticKeyword]);

/** A method, or a property that holds a function. */
function isCallable(member: ts.ClassElement | ts.TypeElement): boolean {
  if (member.name === undefined || ts.isPrivateIdentifier(member.name)) return false;
  const { modifiers } = member as { modifiers?: readonly ts.ModifierLike[] };
  if (modifiers?.some(({ kind }) => NOT_PUBLIC.has(kind))) return false;
  if (ts.getJSDocTags(member).some(({ tagName }) => tagName.text === "internal")) return false;
  if (ts.isMethodDeclaration(member) || ts.isMethodSignature(member)) return true;
  const isProperty = ts.isPropertyDeclaration(member) || ts.isPropertySignature(member);
  return isProperty && member.type !== undefined && hasFunction(member.type);
}

function whenOf(type: string): When {
  return /\b(void|unknown|\w*Promise\w*|Maybe\w+|Deferred|Awaitable)\b/.test(type) ? "later" : "now";
}

function hasFunction(type: ts.TypeNode): boolean {
  if (ts.isFunctionTypeNode(type)) return true;
  if (ts.isUnionTypeNode(type)) return type.types.some(hasFunction);
  if (ts.isParenthesizedTypeNode(type)) return hasFunction(type.type);
  return false;
}
