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

type Declaration = ts.ClassDeclaration | ts.InterfaceDeclaration | ts.TypeAliasDeclaration | ts.FunctionDeclaration;

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
  return collected(packageName, (reader, ...type) => reader.members(...type));
}

/** Functions that are handed over where no type names them: `Type.method(parameter)`, `new Type(parameter)`, `function(parameter)`. */
export function handedOver(packageName: string): Map<string, When> {
  return collected(packageName, (reader, ...type) => reader.parameters(...type));
}

function collected(
  packageName: string,
  namesOf: (reader: Reader, declaration: Declaration, path: string) => [name: string, when: When][],
): Map<string, When> {
  const folder = `${PACKAGES}${packageName}/`;
  const { exports } = JSON.parse(readFileSync(`${folder}package.json`, "utf8")) as {
    exports: Record<string, Export | string>;
  };
  const reader = new Reader(folder);
  const found = new Map<string, When>();
  for (const entry of Object.values(exports)) {
    if (typeof entry === "string") continue; // what packages share of their code, without types
    for (const [declaration, path] of reader.published(resolve(folder, entry["strombus-source"]))) {
      for (const [name, when] of namesOf(reader, declaration, path)) found.set(name, when);
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

  /** The parameters that are functions, of a function or of what can be called of a type. */
  parameters(declaration: Declaration, path: string): [name: string, when: When][] {
    const name = declaration.name?.text ?? "default";
    if (ts.isTypeAliasDeclaration(declaration)) return [];
    if (ts.isFunctionDeclaration(declaration)) return functionsAmong(name, declaration.parameters);
    const own = (declaration.members as ts.NodeArray<ts.ClassElement | ts.TypeElement>).flatMap((member) => {
      if (ts.isConstructorDeclaration(member)) return functionsAmong(`new ${name}`, member.parameters);
      if (!isPublicMethod(member)) return [];
      return functionsAmong(`${name}.${member.name.getText()}`, member.parameters);
    });
    const base = this.#baseOf(declaration, path);
    return base === null ? own : [...own, ...this.parameters(...base)];
  }

  /** What a type has that can be called, and what the classes have that it extends. */
  members(declaration: Declaration, path: string): [name: string, when: When][] {
    const name = declaration.name?.text ?? "default";
    if (ts.isFunctionDeclaration(declaration)) return [];
    if (ts.isTypeAliasDeclaration(declaration)) {
      return hasFunction(declaration.type) ? [[name, whenOf(declaration.type)]] : [];
    }
    const own = (declaration.members as ts.NodeArray<ts.ClassElement | ts.TypeElement>)
      .filter(isCallable)
      .map((member): [string, When] => {
        return [`${name}.${member.name!.getText()}`, whenOf((member as { type?: ts.TypeNode }).type)];
      });
    const base = this.#baseOf(declaration, path);
    return base === null ? own : [...own, ...this.members(...base)];
  }

  /** The class that a class extends. */
  #baseOf(declaration: Declaration, path: string): [Declaration, path: string] | null {
    if (!ts.isClassDeclaration(declaration)) return null;
    const base = declaration.heritageClauses?.find(({ token }) => token === ts.SyntaxKind.ExtendsKeyword)?.types[0];
    return base === undefined ? null : this.#find(path, base.expression.getText());
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
      ts.isTypeAliasDeclaration(statement) ||
      ts.isFunctionDeclaration(statement)
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

function isPublicMethod(member: ts.ClassElement | ts.TypeElement): member is ts.MethodDeclaration | ts.MethodSignature {
  if (!ts.isMethodDeclaration(member) && !ts.isMethodSignature(member)) return false;
  const { modifiers } = member as { modifiers?: readonly ts.ModifierLike[] };
  const isHidden = modifiers?.some(({ kind }) => NOT_PUBLIC.has(kind) && kind !== ts.SyntaxKind.StaticKeyword) === true;
  return !isHidden && !ts.isPrivateIdentifier(member.name) && !isInternal(member);
}

function isInternal(member: ts.Node): boolean {
  return ts.getJSDocTags(member).some(({ tagName }) => tagName.text === "internal");
}

function functionsAmong(owner: string, parameters: readonly ts.ParameterDeclaration[]): [name: string, when: When][] {
  return parameters.flatMap(({ name, type }): [string, When][] => {
    const given = type === undefined ? null : functionWithin(type);
    return given === null ? [] : [[`${owner}(${name.getText()})`, whenOf(given)]];
  });
}

/** A method, or a property that holds a function. */
function isCallable(member: ts.ClassElement | ts.TypeElement): boolean {
  if (member.name === undefined || ts.isPrivateIdentifier(member.name)) return false;
  const { modifiers } = member as { modifiers?: readonly ts.ModifierLike[] };
  if (modifiers?.some(({ kind }) => NOT_PUBLIC.has(kind))) return false;
  if (isInternal(member)) return false;
  if (ts.isMethodDeclaration(member) || ts.isMethodSignature(member)) return true;
  const isProperty = ts.isPropertyDeclaration(member) || ts.isPropertySignature(member);
  return isProperty && member.type !== undefined && hasFunction(member.type);
}

/** By what a function gives, or the type itself; none is said where it is void. */
function whenOf(type: ts.TypeNode | undefined): When {
  if (type === undefined) return "later";
  const given = (functionIn(type)?.type ?? type).getText().replace(/\{[^}]*\}/g, "{}");
  return /\b(void|unknown|\w*Promise\w*|Maybe\w+|Deferred|Awaitable|CallbackResult|R)\b/.test(given) ? "later" : "now";
}

function hasFunction(type: ts.TypeNode): boolean {
  return functionIn(type) !== null;
}

/** The function that a type is, or that lies somewhere in it: in an array, a tuple, an object. */
function functionWithin(type: ts.Node): ts.FunctionTypeNode | null {
  if (ts.isFunctionTypeNode(type)) return type;
  return ts.forEachChild(type, (part) => functionWithin(part) ?? undefined) ?? null;
}

function functionIn(type: ts.TypeNode): ts.FunctionTypeNode | null {
  if (ts.isFunctionTypeNode(type)) return type;
  if (ts.isUnionTypeNode(type)) return type.types.map(functionIn).find((found) => found !== null) ?? null;
  if (ts.isParenthesizedTypeNode(type)) return functionIn(type.type);
  return null;
}
