/** The directions of imports inside `src/`, as docs/architecture.md draws them. */

import { assert, assertEquals } from "@std/assert";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const SRC = fileURLToPath(new URL("../src/", import.meta.url));

/**
 * The rooms of `src/` in the order in which data walk through them. A room imports only rooms above it. `cli.ts`, the entry of the command
 * line, is the one file outside of a room.
 */
const ROOMS = [
  ...["graph", "numbers", "passes", "onnx", "models", "reference", "compress", "train"],
  ...["image", "gpu", "kernels", "plan", "engine"],
  ...["detect", "data", "eval", "hardware", "report", "host", "queue", "recipes", "cli", "cli.ts"],
] as const;

/** Rooms that compute on graphs and must stay clear of the device: they are handed a runner. */
const NO_DEVICE = ["graph", "numbers", "passes", "onnx", "models", "reference", "compress", "train"] as const;

/** Rooms above others that they still do not import, since the device must not reach them. */
const DEVICE_ROOMS: readonly string[] = ["gpu", "kernels", "plan", "engine"];

function files(folder: string): string[] {
  return [...Deno.readDirSync(folder)].flatMap(({ name, isDirectory }) => {
    if (isDirectory) return files(join(folder, name));
    return name.endsWith(".ts") ? [join(folder, name)] : [];
  });
}

interface Edge {
  readonly from: string;
  readonly to: string;
  /** Nothing but types is imported, so that the other module is not loaded. */
  readonly typeOnly: boolean;
}

/** The imports of a file, its paths relative to `src/`, types and dynamic imports included. */
function importsOf(file: string): Edge[] {
  // Comments hold examples, which may import what they like.
  const source = Deno.readTextFileSync(file).replaceAll(/\/\*[^]*?\*\/|^\s*\/\/.*$/gm, "");
  const found = source.matchAll(
    /\b(?:(?:im|ex)port\s+(type\s)?([^;"'()]*?\bfrom\s*)?|import\s*\(\s*)["'](\.{1,2}\/[^"']+)["']/g,
  );
  return [...found].map(([, type, names = "", path]) => {
    const listed = names.match(/\{([^}]*)\}/)?.[1].split(",").map((name) => name.trim()).filter((name) => name !== "");
    const typeOnly = type !== undefined || (listed?.every((name) => name.startsWith("type ")) ?? false);
    return { from: relative(SRC, file), to: relative(SRC, join(dirname(file), path)), typeOnly };
  });
}

function roomOf(path: string): string {
  return path.replaceAll("\\", "/").match(/^(?:\.\.\/)?[^/]+/)![0];
}

const edges = files(SRC).flatMap(importsOf).filter(({ to }) => to.endsWith(".ts"));

const orderOf = (room: string) => (ROOMS as readonly string[]).indexOf(room);

Deno.test("every file of src/ is in a room, and rooms import only rooms above them", () => {
  const loose = files(SRC).map((file) => relative(SRC, file)).filter((path) => orderOf(roomOf(path)) < 0);
  assertEquals(loose, []);
  const wrong = edges.filter(({ from, to }) => {
    const [room, other] = [orderOf(roomOf(from)), orderOf(roomOf(to))];
    return room !== other && (other < 0 || other > room);
  });
  assertEquals(wrong.map(({ from, to }) => `${from} imports ${to}`), []);
});

Deno.test("graph passes, models and training stay clear of the device", () => {
  const last = Math.max(...NO_DEVICE.map(orderOf)), first = Math.min(...DEVICE_ROOMS.map(orderOf));
  assert(last < first, "a room without a device lies below one of the device");
});

Deno.test("files import each other in a circle only for types within one room", () => {
  const readers = Map.groupBy(edges, ({ from }) => from);
  const state = new Map<string, "open" | "done">();
  const circles: string[] = [];
  const visit = (file: string, path: readonly string[], follows: (edge: Edge) => boolean) => {
    if (state.get(file) === "done") return;
    if (state.get(file) === "open") {
      circles.push([...path.slice(path.indexOf(file)), file].join(" -> "));
      return;
    }
    state.set(file, "open");
    for (const edge of readers.get(file) ?? []) if (follows(edge)) visit(edge.to, [...path, file], follows);
    state.set(file, "done");
  };
  for (const file of readers.keys()) visit(file, [], ({ typeOnly }) => !typeOnly);
  assertEquals(circles, []);
});

Deno.test("the core runs without Deno: only cli, data, host, the benchmark and the decoders name it", () => {
  const hosts = ["cli", "cli.ts", "data", "host"];
  const named = files(SRC).filter((file) => {
    const path = relative(SRC, file);
    // The benchmark starts processes; decoders read their WebAssembly from files where there are files.
    const parts = [join("recipes", "bench"), join("image", "codec")];
    if (hosts.includes(roomOf(path)) || parts.some((part) => path.startsWith(part))) return false;
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
