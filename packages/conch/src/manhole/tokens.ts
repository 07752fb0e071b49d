/** JavaScript in pieces, to be coloured: what is wrong with it is no matter here. */

export type TokenType = "identifier" | "keyword" | "parameter" | "variable" | "string" | "number" | "operator";

/** Null is a comment or space. */
export type Token = readonly [text: string, type: TokenType | null];

/** What a line leaves open for the next: an innermost last. */
export interface Open {
  /** In a comment. */
  readonly comment: boolean;
  /** Templates and the braces in them; and the parentheses of parameters. */
  readonly nesting: readonly ("template" | "hole" | "brace" | "parameters" | "paren")[];
  /** The word `function` or `class` has come. */
  readonly named: "function" | "class" | null;
}

export const START: Open = { comment: false, nesting: [], named: null };

const KEYWORDS = new Set(
  (
    "async await break case catch class const continue debugger default delete do else export extends false finally for " +
    "function if import in instanceof let new null of return static super switch this throw true try typeof undefined " +
    "var void while with yield"
  ).split(" "),
);

const PIECE =
  /(?<space>\s+|\/\/.*)|(?<comment>\/\*)|(?<template>`)|(?<string>'(?:[^'\\]|\\.)*'?|"(?:[^"\\]|\\.)*"?)|(?<number>\d[\w.]*|\.\d\w*)|(?<word>[\p{ID_Start}$_#][\p{ID_Continue}$]*)|(?<operator>[^])/uy;
const TEMPLATE = /(?:[^`\\$]|\\.|\$(?!\{)|\\$)*(?:`|\$\{|$)/uy;
const COMMENT = /[^]*?(?:\*\/|$)/uy;

/** The pieces of one line, and what it leaves open. */
export function tokens(line: string, open: Open = START): [Token[], Open] {
  const found: Token[] = [];
  let { comment, named } = open;
  const nesting = [...open.nesting];
  let at = 0;
  const take = (pattern: RegExp): RegExpExecArray => {
    pattern.lastIndex = at;
    const match = pattern.exec(line)!;
    at += match[0].length;
    return match;
  };
  while (at < line.length) {
    if (comment) {
      const [text] = take(COMMENT);
      comment = !text.endsWith("*/");
      found.push([text, null]);
    } else if (nesting.at(-1) === "template") {
      const [text] = take(TEMPLATE);
      found.push([text, "string"]);
      if (text.endsWith("${")) nesting.push("hole");
      else if (text.endsWith("`")) nesting.pop();
    } else {
      const match = take(PIECE);
      const [text] = match;
      const kind = Object.entries(match.groups as Record<string, string | undefined>).find(
        ([, group]) => group !== undefined,
      )![0];
      switch (kind) {
        case "space":
          found.push([text, null]);
          break;
        case "comment":
          comment = true;
          found.push([text, null]);
          break;
        case "template":
          nesting.push("template");
          found.push([text, "string"]);
          break;
        case "word":
          if (KEYWORDS.has(text)) {
            if (text === "function" || text === "class") named = text;
            found.push([text, "keyword"]);
          } else if (named !== null) {
            found.push([text, "identifier"]);
            if (named === "class") named = null;
          } else found.push([text, nesting.at(-1) === "parameters" ? "parameter" : "variable"]);
          break;
        case "operator":
          if (text === "(") nesting.push(named === "function" ? "parameters" : "paren");
          else if (text === "{") nesting.push("brace");
          else if (text === ")" || text === "}") nesting.pop();
          if (text !== "*") named = null;
          found.push([text, "operator"]);
          break;
        default:
          found.push([text, kind as TokenType]);
      }
    }
  }
  return [found, { comment, nesting: nesting.slice(-MAX_NESTING), named }];
}

/** What is nested deeper is coloured a little wrong. */
const MAX_NESTING = 100;
