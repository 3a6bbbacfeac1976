/**
 * The shader linker: what WGSL lacks and the kernels need, and nothing more. Four directives, each on a line of its own:
 *
 * | line | meaning |
 * |---|---|
 * | `#include "lib/x.wgsl" A=1 B=name` | the text of another file, with `$A`, `$B` replaced in it |
 * | `#const NAME = 3` | a constant that the kernel may override; a number also becomes a WGSL `const` |
 * | `#for i in A..B` ... `#end` | the enclosed lines once for each `A <= i < B`, written out flat |
 * | `#if EXPRESSION` ... `#else` ... `#end` | lines kept or dropped |
 *
 * `$i` and `$(2 * i + 1)` put a loop variable, constant or integer expression into the text; `$(i)` where a letter would
 * follow; also in the expression of an `#if`. Names run over letters and digits only, so that `acc_$i_$j` reads as it looks. Expressions know `+ - * / % < <= > >=
 * == != && || !` and parentheses; a constant that is a word compares with words.
 *
 * @module
 */

import { FeatherdetError } from "../graph/error.ts";

/** Value of a linker constant: an integer, or a word such as a format's name. */
export type ShaderConstant = number | string;

/** Shader sources by path. */
export type ShaderLibrary = Readonly<Record<string, string>>;

type Scope = Map<string, ShaderConstant>;

const TOKEN = /\s*(\d+(?:\.\d+)?|[A-Za-z_][A-Za-z0-9_]*|&&|\|\||[<>=!]=|[-+*/%<>()!])/y;

/** Binding strengths of the binary operators, weakest first. */
const LEVELS: readonly (readonly string[])[] = [["||"], ["&&"], ["==", "!="], ["<", "<=", ">", ">="], ["+", "-"], [
  "*",
  "/",
  "%",
]];

function apply(operator: string, a: ShaderConstant, b: ShaderConstant): ShaderConstant {
  if (operator === "==") return Number(a === b);
  if (operator === "!=") return Number(a !== b);
  const x = Number(a), y = Number(b);
  switch (operator) {
    case "||":
      return Number(x !== 0 || y !== 0);
    case "&&":
      return Number(x !== 0 && y !== 0);
    case "<":
      return Number(x < y);
    case "<=":
      return Number(x <= y);
    case ">":
      return Number(x > y);
    case ">=":
      return Number(x >= y);
    case "+":
      return x + y;
    case "-":
      return x - y;
    case "*":
      return x * y;
    case "/":
      return Math.trunc(x / y);
    default:
      return x % y;
  }
}

/** Evaluates an integer expression over the constants in scope. */
export function evaluateExpression(text: string, scope: ReadonlyMap<string, ShaderConstant>): ShaderConstant {
  const tokens: string[] = [];
  TOKEN.lastIndex = 0;
  const source = text.trim();
  while (TOKEN.lastIndex < source.length) {
    const match = TOKEN.exec(source);
    if (match === null) throw new FeatherdetError(`shader expression "${text}" cannot be read`);
    tokens.push(match[1]);
  }
  let next = 0;
  const primary = (): ShaderConstant => {
    const token = tokens[next++];
    if (token === "(") {
      const value = binary(0);
      if (tokens[next++] !== ")") throw new FeatherdetError(`shader expression "${text}" lacks a closing parenthesis`);
      return value;
    }
    if (token === "-") return -Number(primary());
    if (token === "!") return Number(Number(primary()) === 0);
    if (token !== undefined && /^\d/.test(token)) return Number(token);
    if (token !== undefined && /^[A-Za-z_]/.test(token)) return scope.get(token) ?? token;
    throw new FeatherdetError(`shader expression "${text}" cannot be read`);
  };
  const binary = (level: number): ShaderConstant => {
    if (level === LEVELS.length) return primary();
    let value = binary(level + 1);
    while (LEVELS[level].includes(tokens[next])) value = apply(tokens[next++], value, binary(level + 1));
    return value;
  };
  const value = binary(0);
  if (next !== tokens.length) throw new FeatherdetError(`shader expression "${text}" cannot be read`);
  return value;
}

function substitute(line: string, scope: Scope, file: string): string {
  if (!line.includes("$")) return line;
  return line.replace(/\$(?:([A-Za-z][A-Za-z0-9]*)|\(((?:[^()]|\([^()]*\))*)\))/g, (_, name, expression) => {
    if (name !== undefined) {
      const value = scope.get(name);
      if (value === undefined) throw new FeatherdetError(`"$${name}" is not defined`, { file });
      return String(value);
    }
    return String(evaluateExpression(expression, scope));
  });
}

/** Index of the line that closes the block opened before `from`, and of its `#else` where there is one. */
function blockEnd(lines: readonly string[], from: number, file: string): { end: number; otherwise: number } {
  let otherwise = -1;
  for (let i = from, depth = 1; i < lines.length; i++) {
    const line = lines[i].trimStart();
    if (/^#(for|if)\b/.test(line)) depth++;
    else if (/^#end\b/.test(line) && --depth === 0) return { end: i, otherwise };
    else if (depth === 1 && /^#else\b/.test(line)) otherwise = i;
  }
  throw new FeatherdetError("a #for or #if has no #end", { file });
}

/**
 * Links one shader: resolves includes, constants and unrolled loops into plain WGSL.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { linkShader } from "./linker.ts";
 * const library = { "a.wgsl": "#const N = 2\n#for i in 0..N\nx += w[$i];\n#end" };
 * const lines = linkShader(library, "a.wgsl", { N: 3 }).trim().split("\n");
 * assert.deepEqual(lines, ["const N = 3;", "x += w[0];", "x += w[1];", "x += w[2];"]);
 * ```
 */
export function linkShader(
  library: ShaderLibrary,
  path: string,
  constants: Readonly<Record<string, ShaderConstant>> = {},
): string {
  const scope: Scope = new Map(Object.entries(constants));
  const declared = new Set<string>();
  const included = new Set<string>();
  const output: string[] = [];

  const expand = (lines: readonly string[], file: string): void => {
    for (let i = 0; i < lines.length; i++) {
      const line = lines[i];
      // Comments are for who reads the file; drivers need not.
      if (line.trimStart().startsWith("//")) continue;
      const directive = line.includes("#") ? /^\s*#(\w+)\s*(.*)$/.exec(line) : null;
      if (directive === null) {
        output.push(substitute(line, scope, file));
        continue;
      }
      const [, word, rest] = directive;
      if (word === "include") {
        include(rest, file);
      } else if (word === "const") {
        const parts = /^([A-Za-z]\w*)\s*=\s*(.+)$/.exec(rest);
        if (parts === null) throw new FeatherdetError(`"${line.trim()}" cannot be read`, { file });
        const value = scope.get(parts[1]) ?? evaluateExpression(parts[2].replace(/\/\/.*$/, ""), scope);
        scope.set(parts[1], value);
        if (typeof value === "number" && !declared.has(parts[1])) output.push(`const ${parts[1]} = ${value};`);
        declared.add(parts[1]);
      } else if (word === "for") {
        const parts = /^([A-Za-z]\w*)\s+in\s+(.+?)\.\.(.+)$/.exec(rest);
        if (parts === null) throw new FeatherdetError(`"${line.trim()}" cannot be read`, { file });
        const { end } = blockEnd(lines, i + 1, file);
        const body = lines.slice(i + 1, end);
        const outer = scope.get(parts[1]);
        const last = Number(evaluateExpression(parts[3], scope));
        for (let n = Number(evaluateExpression(parts[2], scope)); n < last; n++) {
          scope.set(parts[1], n);
          expand(body, file);
        }
        if (outer === undefined) scope.delete(parts[1]);
        else scope.set(parts[1], outer);
        i = end;
      } else if (word === "if") {
        const { end, otherwise } = blockEnd(lines, i + 1, file);
        const holds = Number(evaluateExpression(substitute(rest, scope, file), scope)) !== 0;
        if (holds) expand(lines.slice(i + 1, otherwise < 0 ? end : otherwise), file);
        else if (otherwise >= 0) expand(lines.slice(otherwise + 1, end), file);
        i = end;
      } else {
        throw new FeatherdetError(`"#${word}" is not a linker directive`, { file });
      }
    }
  };

  const include = (rest: string, from: string): void => {
    const parts = /^"([^"]+)"\s*(.*)$/.exec(rest);
    if (parts === null) throw new FeatherdetError(`"#include ${rest}" cannot be read`, { file: from });
    const target = parts[1];
    if (library[target] === undefined) {
      throw new FeatherdetError(`includes "${target}", which does not exist`, { file: from });
    }
    const settings = parts[2].split(/\s+/).filter((word) => word !== "");
    // A file included with settings is a template and may come again; one without is taken once.
    if (settings.length === 0) {
      if (included.has(target)) return;
      included.add(target);
    }
    const outer = new Map<string, ShaderConstant | undefined>();
    for (const setting of settings) {
      const [name, value] = setting.split("=");
      outer.set(name, scope.get(name));
      scope.set(name, evaluateExpression(value, scope));
    }
    expand(library[target].split("\n"), target);
    for (const [name, value] of outer) {
      if (value === undefined) scope.delete(name);
      else scope.set(name, value);
    }
  };

  const source = library[path];
  if (source === undefined) throw new FeatherdetError(`there is no shader "${path}"`);
  expand(source.split("\n"), path);
  // WGSL wants what a module enables before all else.
  const enables = (line: string) => line.startsWith("enable ");
  return [...output.filter(enables), ...output.filter((line) => !enables(line))].join("\n");
}
