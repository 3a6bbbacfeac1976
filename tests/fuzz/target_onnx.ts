/**
 * ONNX files: as bytes, and as messages that decode. What is accepted is planned, written and read again.
 *
 * @module
 */

import fc from "npm:fast-check@4.10.2";
import { planModel } from "../../src/detect/plan_model.ts";
import type { Graph } from "../../src/graph/graph.ts";
import { demoDetector } from "../../src/models/demo_detector.ts";
import { importOnnx, saveOnnx } from "../../src/onnx/mod.ts";
import { schema } from "../../src/onnx/proto.ts";
import { type ByteChange, byteChanges, changeBytes, changeTree, type TreeChange, treeChanges } from "./changes.ts";
import { accepted, must, type Target, target } from "./target.ts";

const FIXTURES = new URL("../fixtures/", import.meta.url);

/** Models that compute at import, as exporters write shapes and masks. */
function formModels(): Record<string, Uint8Array> {
  const forms: { name: string; model: string }[] = JSON.parse(
    Deno.readTextFileSync(new URL("onnx_forms.json", FIXTURES)),
  );
  return Object.fromEntries(forms.map(({ name, model }) => [name, Uint8Array.fromBase64(model)]));
}

let corpus: Record<string, Uint8Array> | undefined;

/** All models by their names. */
function models(): Record<string, Uint8Array> {
  return corpus ??= {
    demo: saveOnnx(demoDetector({ size: 64 })),
    ...formModels(),
    ...Object.fromEntries(
      [...Deno.readDirSync(new URL("operators/", FIXTURES))].filter(({ name }) => name.endsWith(".onnx"))
        .map(({ name }) => [name, Deno.readFileSync(new URL(`operators/${name}`, FIXTURES))]).sort(),
    ),
  };
}

/** The model with changes to its message; undefined where it cannot be written. */
function changedMessage(bytes: Uint8Array, changes: readonly TreeChange[]): Uint8Array | undefined {
  const message = schema.ModelProto.decode(bytes);
  const tree = schema.ModelProto.toObject(message, { longs: Number, bytes: Array });
  try {
    return Uint8Array.from(schema.ModelProto.encode(schema.ModelProto.fromObject(changeTree(tree, changes))).finish());
  } catch {
    return undefined;
  }
}

/** What holds for every model that is accepted. */
async function checkAccepted(graph: Graph): Promise<void> {
  const elements = graph.nodes.length + [...graph.constants.values()].reduce((sum, { data }) => sum + data.length, 0);
  must(elements < 2 ** 26, `the import made ${elements} elements`);
  await accepted(() => planModel(graph, { precision: "f32", storage: "buffer" }));
  const bytes = await accepted(() => saveOnnx(graph));
  if (bytes === undefined) return;
  const again = importOnnx(bytes, { file: "again.onnx" });
  must(again.outputs.join() === graph.outputs.join(), "the file that was written has other outputs");
}

type OnnxChange = { readonly bytes: readonly ByteChange[] } | { readonly message: readonly TreeChange[] };

/** ONNX files. */
export const onnxTarget: Target = target<OnnxChange>({
  get entries() {
    return Object.keys(models());
  },
  changes: fc.oneof(
    { weight: 1, arbitrary: byteChanges.map((bytes): OnnxChange[] => [{ bytes }]) },
    { weight: 3, arbitrary: treeChanges.map((message): OnnxChange[] => [{ message }]) },
  ),
  async run(entry, changes) {
    let bytes: Uint8Array | undefined = models()[entry];
    for (const change of changes) {
      if (bytes === undefined) return;
      bytes = "bytes" in change ? changeBytes(bytes, change.bytes) : changedMessage(bytes, change.message);
    }
    if (bytes === undefined) return;
    const given = bytes;
    const graph = await accepted(() => importOnnx(given, { file: "a.onnx" }));
    if (graph !== undefined) await checkAccepted(graph);
  },
});
