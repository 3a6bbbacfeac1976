/**
 * `inspect`: what a model is and costs, counted without running it.
 *
 * @module
 */

import { historyOf, historyText } from "../compress/history.ts";
import { countCosts } from "../eval/costs.ts";
import {
  type ChannelBundle,
  channelBundles,
  couplingGroups,
  FeatherdetError,
  type Graph,
  printGraph,
  printGroups,
} from "../graph/mod.ts";
import { classNamesOf } from "../detect/class_names.ts";
import { type Head, HEAD_FORMS } from "../detect/heads/form.ts";
import { recogniseHead } from "../detect/heads/recognise.ts";
import { withPictureInput } from "../detect/picture_input.ts";
import { checkPrecision } from "../engine/setup.ts";
import { inputSize } from "./arguments.ts";
import { detectorPrecisionOption } from "./detection_options.ts";
import { loadModel, modelSource } from "../host/models.ts";
import { action, verb } from "./verb.ts";

const megabytes = (count: number) => `${(count / 1e6).toFixed(2)} MB`;
const percent = (share: number) => `${(100 * share).toFixed(1)} %`;

/** Bundles as they stand in the JSON object. */
function bundlesAsJson(bundles: readonly ChannelBundle[]) {
  return bundles.map(({ groups, members, kept }) => ({
    groups: groups.length,
    members: members.map(({ zeroed: _, ...member }) => member),
    ...(kept.length > 0 && { kept }),
  }));
}

/** The coupling groups of a model for people and for programs. */
function groupsOf(graph: Graph) {
  const found = couplingGroups(graph);
  return {
    text: printGroups(found),
    json: {
      removable: found.groups.length,
      staying: found.kept.length,
      bundles: bundlesAsJson([...channelBundles(found.groups), ...channelBundles(found.kept)]),
    },
  };
}

/** The head of a detector, or the sentence on why it is none. */
function headOf(graph: Graph, names: number | undefined): Head | string {
  try {
    return recogniseHead(withPictureInput(graph), { names });
  } catch (error) {
    if (error instanceof FeatherdetError) return error.detail;
    throw error;
  }
}

/** How an output is read. */
function headText(head: Head): string {
  if (head.form === "maps") return `maps of YOLO11, ${head.anchors} anchors, ${head.classes} classes`;
  const { text, countsClasses } = HEAD_FORMS[head.form];
  const { boxes, normalised } = head.layout;
  const kind = boxes === "grid" ? "" : `, boxes as ${boxes === "centre" ? "centres and sizes" : boxes}`;
  return `${head.form}: ${head.anchors} x ${text}${kind}${normalised ? " in parts of the input" : ""}` +
    (countsClasses ? `, ${head.classes} classes` : "");
}

/** The verb `inspect`. */
export const inspectVerb = verb(
  "inspect",
  "Count the parameters, bytes, operations, zeros, dispatches and memory of a model.",
  "deno task inspect --model yolo11n.onnx --size 640",
)
  .requiredOption("--model <model>", "ONNX file, URL, or name")
  .option("--size <pixels>", "side of the square input; the model's own by default", inputSize)
  .addOption(detectorPrecisionOption())
  .option("--graph", "print the graph, node by node")
  .option("--groups", "print which channels can be removed, which of them only together, and which must stay")
  .action(async (options) => {
    await action<typeof options>(async ({ model, size, precision, graph: withGraph, groups: withGroups }, output) => {
      output.note(`reading ${modelSource(model)}`);
      const graph = await loadModel(model, { size, untrained: true });
      checkPrecision(graph, precision);
      const { weightBytes, activationPeak, ...costs } = countCosts(graph, { precision });
      const { planned, lowerBound, naive } = activationPeak;
      const names = classNamesOf(graph);
      const head = headOf(graph, names?.length);
      const result = {
        model,
        head: typeof head === "string" ? null : head.form,
        input: graph.inputs.map(({ name, shape }) => ({ name, shape })),
        classes: names?.length ?? null,
        ...costs,
        bytes: weightBytes,
        gflops: costs.flops / 1e9,
        activationBytes: planned,
        activationBytesLowerBound: lowerBound,
        activationBytesNaive: naive,
        history: historyOf(graph),
      };
      output.line(`model        ${graph.name}`);
      for (const { name, shape } of result.input) output.line(`input        ${name} [${shape.join(", ")}]`);
      if (result.classes !== null) output.line(`classes      ${result.classes}`);
      output.line(`head         ${typeof head === "string" ? `none that is known: ${head}` : headText(head)}`);
      output.line(`parameters   ${costs.parameters.toLocaleString("en")}`);
      output.line(
        `weights      ${megabytes(weightBytes)}, ${megabytes(costs.deviceWeightBytes)} packed for the device ` +
          `in ${precision}`,
      );
      output.line(`file         ${megabytes(costs.fileBytes)} as ONNX`);
      output.line(`operations   ${result.gflops.toFixed(2)} GFLOPs (2 x multiply-accumulates), zeros included`);
      output.line(
        `zeros        ${percent(costs.sparsity)} of the weights, ` +
          `${(costs.nonzeroFlops / 1e9).toFixed(2)} GFLOPs without them`,
      );
      output.line(`bits         ${(costs.bitOperations / 1e12).toFixed(2)} T bit operations in ${precision}`);
      output.line(`layers       ${costs.layers} with weights, ${costs.nodes} nodes`);
      output.line(`dispatches   ${costs.dispatches}`);
      output.line(
        `activations  ${megabytes(planned)} in ${precision}, ${megabytes(naive)} without reuse, ` +
          `${megabytes(lowerBound)} at least`,
      );
      result.history.forEach((entry, index) =>
        output.line(`${index === 0 ? "history" : ""}`.padEnd(13) + historyText(entry))
      );
      const text = withGraph ? printGraph(graph) : undefined;
      if (text !== undefined) output.line(`\n${text}`);
      const groups = withGroups ? groupsOf(graph) : undefined;
      if (groups !== undefined) output.line(`\n${groups.text}`);
      return { ...result, ...(text !== undefined && { graph: text }), ...(groups && { groups: groups.json }) };
    })(options);
  });
