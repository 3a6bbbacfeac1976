/**
 * Which outputs of a model hold its detections.
 *
 * @module
 */

import { FeatherdetError, type Graph, GraphIndex } from "../../graph/mod.ts";
import { planeOf } from "./evidence.ts";

/** Outputs as sentences show them. */
export function showOutputs(outputs: readonly { readonly value: string; readonly shape: readonly number[] }[]): string {
  return outputs.map(({ value, shape }) => `"${value}" [${shape}]`).join(", ");
}

/**
 * One output with boxes and scores, or one of each. Raw maps beside a finished output, as YOLOv5 exports them, are left aside. Throws
 * FeatherdetError for anything else.
 */
export function pickOutputs(graph: Graph): string[] {
  const index = GraphIndex.of(graph);
  const outputs = graph.outputs.map((value) => ({ value, shape: index.shapeOf(value) }));
  const refuse = (why: string): never => {
    throw new FeatherdetError(`${why}; its outputs are ${showOutputs(outputs) || "none"}`, { file: graph.name });
  };
  const tables = outputs.filter(({ shape }) => shape.length > 1 && planeOf(shape) !== undefined);
  const others = outputs.filter((output) => !tables.includes(output));
  const maps = others.filter(({ shape }) => shape.length >= 4);
  if (tables.length === 1 && others.length === 0) {
    const [{ shape }] = tables;
    // Of a [1, classes] nobody can say where anything is.
    if (shape.length === 2 && shape[0] === 1 && shape[1] !== 6) {
      refuse("a detector has an output of boxes and scores, this model looks like one of classification");
    }
    return [tables[0].value];
  }
  if (tables.length === 1 && maps.length === 1 && others.length === 1) {
    refuse("this model has maps beside its boxes, as models that make masks (segmentation) do: only detectors are run");
  }
  if (tables.length === 1 && maps.length === others.length) return [tables[0].value];
  if (tables.length === 2 && maps.length === others.length && maps.length !== 1) {
    if (tables.some(({ shape }) => planeOf(shape)!.includes(4))) return tables.map(({ value }) => value);
  }
  if (tables.length === 0 && maps.length > 0) {
    refuse(
      "this model's outputs are maps that nobody has decoded: export it with decoding " +
        "(Ultralytics: model.export(format='onnx'), YOLOX: --decode_in_inference)",
    );
  }
  return refuse(
    "a detector has one output of boxes and scores, [1, 4 + classes, anchors] or alike, or one of each; export it without " +
      "suppression inside (Ultralytics: without nms=True, YOLOv7: without --end2end)",
  );
}
