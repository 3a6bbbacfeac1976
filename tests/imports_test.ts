/** The directions of imports inside `src/`, as docs/architecture.md draws them. */

import { assert, assertEquals } from "@std/assert";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const SRC = fileURLToPath(new URL("../src/", import.meta.url));

/**
 * What each part may import besides itself. A part is a folder of `src/` or beside it, a file directly in `src/` (without its
 * ending), or one of `OWN_PARTS`. The list is closed: a part that is not in it, or an import that is not in its row, fails.
 */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  graph: [],
  passes: ["graph"],
  onnx: ["graph"],
  models: ["graph", "data/random"],
  reference: ["graph"],
  compress: ["graph", "data/random"],
  train: ["graph", "data/random"],
  gpu: ["graph"],
  kernels: ["graph", "gpu", "detect/letterbox_geometry"],
  plan: ["graph", "kernels", "reference"],
  program: ["graph", "gpu", "kernels", "plan"],
  session: ["graph", "onnx", "gpu", "kernels", "plan", "program"],
  tune: ["graph", "gpu", "kernels", "plan", "program", "session"],
  "detect/image": [],
  "detect/letterbox_geometry": ["graph"],
  "data/random": [],
  "data/image": ["graph", "detect/image"],
  detect: [
    ...["graph", "gpu", "kernels", "plan", "onnx", "program", "session", "detect/image", "detect/letterbox_geometry"],
    "data/image",
  ],
  data: ["graph", "detect/image", "detect/letterbox_geometry", "data/image", "data/random"],
  training_plan: ["graph", "kernels", "plan", "train"],
  training_session: ["graph", "gpu", "kernels", "plan", "program", "session", "train", "training_plan"],
  detection_trainer: ["graph", "train", "training_session"],
  quantized_training: ["graph", "compress", "data", "eval", "session_runner"],
  training_run: [
    ...["graph", "onnx", "plan", "data", "detect", "eval", "session_runner", "train", "detection_trainer"],
    "quantized_training",
  ],
  session_runner: ["graph", "compress", "session"],
  eval: [
    ...["graph", "onnx", "compress", "gpu", "kernels", "plan", "session", "detect", "detect/image", "data"],
    ...["data/image"],
  ],
  hardware: ["graph"],
  // It prints the tables of operators and kernels, and draws plans, which are plain data.
  report: ["graph", "onnx", "kernels", "plan", "session", "detect", "detect/image", "data", "eval"],
  setup: ["graph"],
  // A program of its own that uses anything of src/; only the verb that starts it may import it.
  "../bench": [],
  cli: [
    ...["graph", "onnx", "models", "gpu", "kernels", "plan", "session", "detect", "detect/image", "data", "data/image"],
    ...["data/random", "compress", "session_runner", "tune", "eval", "hardware", "report", "setup", "../bench"],
    "train",
    "detection_trainer",
    "training_run",
  ],
};

/** Parts of parts that others need without the rest: pictures, their place in an input, the decoders, seeded numbers. */
const OWN_PARTS = ["detect/image", "detect/letterbox_geometry", "data/image", "data/random"];

/** Parts that compute on graphs and must stay clear of the device even through others: they are handed a runner. */
const NO_DEVICE = ["graph", "passes", "onnx", "models", "reference", "compress", "train"];

function files(folder: string): string[] {
  return [...Deno.readDirSync(folder)].flatMap(({ name, isDirectory }) => {
    if (isDirectory) return files(join(folder, name));
    return name.endsWith(".ts") ? [join(folder, name)] : [];
  });
}

/** Paths (relative to `src/`) of the modules that a file imports, types and dynamic imports included. */
function importsOf(file: string): string[] {
  // Comments hold examples, which may import what they like.
  const source = Deno.readTextFileSync(file).replaceAll(/\/\*[^]*?\*\/|^\s*\/\/.*$/gm, "");
  const found = source.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*["'](\.{1,2}\/[^"']+)["']/g);
  return [...found].map(([, path]) => relative(SRC, join(dirname(file), path)));
}

function partOf(path: string): string {
  const plain = path.replaceAll("\\", "/").replace(/\.ts$/, "");
  return OWN_PARTS.find((part) => plain === part || plain.startsWith(`${part}/`)) ??
    plain.match(/^(?:\.\.\/)?[^/]+/)![0];
}

const edges = files(SRC).flatMap((file) => {
  const from = relative(SRC, file);
  return importsOf(file).filter((to) => !to.endsWith(".wgsl")).map((to) => ({ from, to }));
});

Deno.test("imports inside src/ go the ways that the architecture allows", () => {
  const wrong = edges.filter(({ from, to }) => {
    const [part, other] = [partOf(from), partOf(to)];
    return part !== other && !ALLOWED[part]?.includes(other);
  });
  assertEquals(wrong.map(({ from, to }) => `${from} imports ${to}`), []);
});

Deno.test("every part of src/ has its row in the table of import directions", () => {
  const parts = new Set(files(SRC).map((file) => partOf(relative(SRC, file))));
  assertEquals([...parts].filter((part) => !(part in ALLOWED)), []);
});

Deno.test("the table of import directions has no cycles and keeps the device away from graph passes", () => {
  const reach = (part: string, seen = new Set<string>()): Set<string> => {
    for (const next of ALLOWED[part]) {
      if (!seen.has(next)) reach(next, seen.add(next));
    }
    return seen;
  };
  for (const part of Object.keys(ALLOWED)) assert(!reach(part).has(part), `${part} reaches itself`);
  for (const part of NO_DEVICE) assert(!reach(part).has("gpu"), `${part} reaches gpu`);
});

Deno.test("the core runs without Deno: only cli, data and setup name it", () => {
  const hosts = ["cli", "data", "data/image", "data/random", "setup"];
  const named = files(SRC).filter((file) => {
    if (hosts.includes(partOf(relative(SRC, file)))) return false;
    const source = Deno.readTextFileSync(file).replaceAll(/\/\*[^]*?\*\/|^\s*\/\/.*$/gm, "");
    return /(?<!["'.\w])Deno\.\w/.test(source);
  });
  assertEquals(named.map((file) => relative(SRC, file)), []);
});

Deno.test("npm packages are imported with their exact versions, so that the modules work over http", () => {
  const loose = files(SRC).flatMap((file) => {
    const source = Deno.readTextFileSync(file).replaceAll(/\/\*[^]*?\*\//g, "");
    return [...source.matchAll(/\b(?:from|import)\s+["'](?!\.{1,2}\/|node:)([^"']+)["']/g)]
      .filter(([, name]) => !/^npm:(@[^/@]+\/)?[^/@]+@\d+\.\d+\.\d+(\/|$)/.test(name))
      .map(([, name]) => `${relative(SRC, file)} imports ${name}`);
  });
  assertEquals(loose, []);
});
