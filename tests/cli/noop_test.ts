/** `deno task noop`, the example of a verb with a pass, and the history that `inspect` prints. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { hashOfGraph } from "../../src/compress/graph_hash.ts";
import { loadOnnx } from "../../src/onnx/mod.ts";
import { commandLine, commandLines } from "../support/command_line.ts";
import { inFolder } from "../support/data_folders.ts";

const TERNARY = fileURLToPath(new URL("../../data/models/bccd-ternary.onnx", import.meta.url));

Deno.test("noop copies a model, keeps its history, and says what it saw", () =>
  inFolder(async (folder) => {
    const out = join(folder, "copy.onnx");
    const { code, stdout, stderr } = await commandLine(["noop", "--model", TERNARY, "--out", out, "--json"]);
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
    const [{ code, stdout, stderr }, refused] = await commandLines([
      args,
      ["noop", "--model", "demo", "--out", folder],
    ]);
    assertEquals(code, 0, stderr);
    assertMatch(stdout, /^output +output0: \S+ to \S+ in 2 pictures$/m);
    assertEquals([refused.code, refused.stdout], [1, ""]);
    assertMatch(refused.stderr, /is a folder, not a file/);
  }));

Deno.test("inspect prints the history, and has it in its object; a model that nothing was done to has none", () =>
  inFolder(async (folder) => {
    const out = join(folder, "binary.onnx");
    const [made, text, object, plain, before] = await commandLines([
      ["quantize", "--model", "demo", "--size", "64", "--weights", "binary", "--out", out],
      ["inspect", "--model", out],
      ["inspect", "--model", out, "--json"],
      ["inspect", "--model", "demo", "--json"],
      ["inspect", "--model", TERNARY],
    ]);
    assertEquals(made.code, 0, made.stderr);
    assertMatch(
      text.stdout,
      /^history {6}packWeights weights=binary float=yolo11 of featherdet-demo [0-9a-f]{12} by featherdet \d+\.\d+\.\d+$/m,
    );
    const { history } = JSON.parse(object.stdout);
    assertEquals(history.map(({ name }: { name: string }) => name), ["packWeights"]);
    assert(/^[0-9a-f]{64}$/.test(history[0].parent.hash));
    assertEquals(JSON.parse(plain.stdout).history, []);
    assertMatch(before.stdout, /^history {6}train weights=ternary float=yolo11 threshold=twn of yolo11n$/m);
  }));
