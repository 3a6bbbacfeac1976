/**
 * `inspect`: what a model is and costs, counted without running it.
 *
 * @module
 */

import { analyze, type Graph, printGraph, weightsOf } from "../graph/mod.ts";
import { classNames } from "../onnx/mod.ts";
import { inputSize } from "./arguments.ts";
import { precisionOption } from "./detection_options.ts";
import { loadModel } from "./model.ts";
import { planModel } from "./planned.ts";
import { action, verb } from "./verb.ts";

/** Nodes that have weights: what people call layers. */
function countLayers(graph: Graph): number {
  return graph.nodes.filter((node) => weightsOf(graph, node).trained.length > 0).length;
}

/** The verb `inspect`. */
export const inspectVerb = verb(
  "inspect",
  "Count the parameters, operations, dispatches and memory of a model.",
  "deno task inspect --model yolo11n.onnx --size 640",
)
  .requiredOption("--model <model>", "ONNX file, URL, or name")
  .option("--size <pixels>", "side of the square input; the model's own by default", inputSize)
  .addOption(precisionOption())
  .option("--graph", "print the graph, node by node")
  .action(async (options) => {
    await action<typeof options>(async ({ model, size, precision, graph: withGraph }, output) => {
      const graph = await loadModel(model, { size });
      const { parameters, bytes, macs, flops } = analyze(graph);
      const { plan, steps } = planModel(graph, { precision, storage: "buffer" });
      const result = {
        model,
        input: graph.inputs.map(({ name, shape }) => ({ name, shape })),
        classes: classNames(graph)?.length ?? null,
        parameters,
        bytes,
        macs,
        gflops: flops / 1e9,
        layers: countLayers(graph),
        nodes: graph.nodes.length,
        dispatches: steps.length,
        activationBytes: plan.memory.planned,
        activationBytesLowerBound: plan.memory.lowerBound,
        activationBytesNaive: plan.memory.naive,
      };
      const megabytes = (count: number) => `${(count / 1e6).toFixed(2)} MB`;
      output.line(`model        ${graph.name}`);
      for (const { name, shape } of result.input) output.line(`input        ${name} [${shape.join(", ")}]`);
      if (result.classes !== null) output.line(`classes      ${result.classes}`);
      output.line(`parameters   ${parameters.toLocaleString("en")}`);
      output.line(`weights      ${megabytes(bytes)}`);
      output.line(`operations   ${result.gflops.toFixed(2)} GFLOPs (2 x multiply-accumulates)`);
      output.line(`layers       ${result.layers} with weights, ${result.nodes} nodes`);
      output.line(`dispatches   ${result.dispatches}`);
      output.line(
        `activations  ${megabytes(plan.memory.planned)} in ${precision}, ${
          megabytes(plan.memory.naive)
        } without reuse, ` +
          `${megabytes(plan.memory.lowerBound)} at least`,
      );
      const text = withGraph ? printGraph(graph) : undefined;
      if (text !== undefined) output.line(`\n${text}`);
      return { ...result, ...(text !== undefined && { graph: text }) };
    })(options);
  });
