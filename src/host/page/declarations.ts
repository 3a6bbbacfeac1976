/**
 * Declarations (`.d.ts`) of a module and of all modules that its types come from. Every export here states its type, so each file's
 * declarations follow from its own text.
 *
 * @module
 */

import { posix } from "node:path";
import { FeatherdetError } from "../../graph/error.ts";

/** Where one file's declarations import from: relative paths to other files of the checkout. */
const IMPORT = /(\bfrom\s+|\bimport\()(["'])(\.[^"']+)\.ts\2/g;

/** What only checks a list of names: it changes no type, and keeps the compiler from reading one off. */
const CHECKED = /\bas const satisfies [^;]+;/g;

/** The declarations of files by their path from `root`, each with the ending `.d.ts`, for `entry` and everything that it reaches. */
export async function declarationsOf(root: URL, entry: string): Promise<Map<string, string>> {
  // Only whoever bundles needs the compiler.
  const { default: typescript } = await import("npm:typescript@5.9.3");
  const { ModuleKind, ScriptTarget } = typescript;
  const found = new Map<string, string>(), waiting = [entry];
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    const name = path.replace(/\.ts$/, ".d.ts");
    if (found.has(name)) continue;
    const { outputText, diagnostics = [] } = typescript.transpileDeclaration(
      (await Deno.readTextFile(new URL(path, root))).replaceAll(CHECKED, "as const;"),
      {
        fileName: path,
        reportDiagnostics: true,
        compilerOptions: { target: ScriptTarget.ESNext, module: ModuleKind.ESNext },
      },
    );
    const [wrong] = diagnostics;
    if (wrong !== undefined) {
      throw new FeatherdetError(typescript.flattenDiagnosticMessageText(wrong.messageText, " "), { file: path });
    }
    const folder = posix.dirname(path);
    for (const [, , , other] of outputText.matchAll(IMPORT)) waiting.push(posix.join(folder, `${other}.ts`));
    // What comes from npm is only behind what is exported: where its package is not there, compilers leave it open.
    const plain = outputText.replaceAll(/(["'])npm:(@?[^"'@]+)@[^"']*\1/g, "$1$2$1");
    // Compilers find `x.d.ts` for `x.js` however they resolve modules.
    found.set(name, plain.replaceAll(IMPORT, "$1$2$3.js$2"));
  }
  return found;
}
