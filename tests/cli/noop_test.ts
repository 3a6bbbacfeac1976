/** `deno task noop`, the example of a verb with a pass, and the history that `inspect` prints. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { hashOfGraph } from "../../src/compress/graph_hash.ts";
import { loadOnnx } from "../../src/onnx/mod.ts";
import { inFolder } from "../support/data_folders.ts";
import { permissionsOf } from "../support/task_permissions.ts";

const CLI = fileURLToPath(new URL("../../src/cli.ts", import.meta.url));
const TERNARY = fileURLToPath(new URL("../../data/models/bccd-ternary.onnx", import.meta.url));

async function cli(args: readonly string[]) {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", ...permissionsOf(args[0]), CLI, ...args],
    env: { NO_COLOR: "1", FEATHERDET_NO_INSTALL: "1" },
    stdin: "null",
  });
  const { code, stdout, stderr } = await child.output();
  const text = new TextDecoder();
  return { code, stdout: text.decode(stdout), stderr: text.decode(stderr) };
}

Deno.test("noop copies a model, keeps its history, and says what it saw", () =>
  inFolder(async (folder) => {
    const out = join(folder, "copy.onnx");
    const { code, stdout, stderr } = await cli(["noop", "--model", TERNARY, "--out", out, "--json"]);
    assertEquals(code, 0, stderr);
    const { report, file } = JSON.parse(stdout);
    assertEquals(file, { name: out, bytes: (await Deno.stat(out)).size });
    const [source, copy] = [await loadOnnx(TERNARY), await loadOnnx(out)];
    assertEquals([hashOfGraph(copy), copy.metadata], [hashOfGraph(source), source.metadata]);
    assertEquals([report.nodes, report.samples, report.outputs], [source.nodes.length, 0, []]);
  }));

Deno.test("noop with pictures says which ranges the outputs have", () =>
  inFolder(async (folder) => {
    const pictures = ["--calibrate", "synthetic", "--limit", "2"];
    const args = ["noop", "--model", "demo", "--size", "64", ...pictures, "--out", join(folder, "copy.onnx")];
    const { code, stdout, stderr } = await cli(args);
    assertEquals(code, 0, stderr);
    assertMatch(stdout, /^output +output0: \S+ to \S+ in 2 pictures$/m);
    const refused = await cli(["noop", "--model", "demo", "--out", folder]);
    assertEquals([refused.code, refused.stdout], [1, ""]);
    assertMatch(refused.stderr, /is a folder, not a file/);
  }));

Deno.test("inspect prints the history, and has it in its object; a model that nothing was done to has none", () =>
  inFolder(async (folder) => {
    const out = join(folder, "binary.onnx");
    const made = await cli(["quantize", "--model", "demo", "--size", "64", "--weights", "binary", "--out", out]);
    assertEquals(made.code, 0, made.stderr);
    const text = await cli(["inspect", "--model", out]);
    assertMatch(
      text.stdout,
      /^history {6}packWeights weights=binary float=yolo11 of featherdet-demo [0-9a-f]{12} by featherdet \d+\.\d+\.\d+$/m,
    );
    const { history } = JSON.parse((await cli(["inspect", "--model", out, "--json"])).stdout);
    assertEquals(history.map(({ name }: { name: string }) => name), ["packWeights"]);
    assert(/^[0-9a-f]{64}$/.test(history[0].parent.hash));
    const plain = await cli(["inspect", "--model", "demo", "--json"]);
    assertEquals(JSON.parse(plain.stdout).history, []);
    const before = await cli(["inspect", "--model", TERNARY]);
    assertMatch(before.stdout, /^history {6}train weights=ternary float=yolo11 threshold=twn of yolo11n$/m);
  }));
