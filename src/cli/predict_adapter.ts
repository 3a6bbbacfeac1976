/**
 * What `predict-latency` says of adapters that were measured dispatch by dispatch.
 *
 * @module
 */

import { checkPrecision } from "../engine/setup.ts";
import type { Graph } from "../graph/graph.ts";
import type { AdapterModel } from "../hardware/adapter/model.ts";
import { summarizeUnseen, type UnseenSummary } from "../hardware/adapter/unseen.ts";
import { type FramePrediction, predictFrame } from "../hardware/adapter/predict.ts";
import type { DevicePrecision } from "../hardware/profile.ts";
import type { Output } from "./output.ts";

/** Dispatches that are named for people. */
const SLOWEST = 8;

const percent = (share: number) => `${(100 * share).toFixed(1)} %`;

function summaryText(what: string, { networks, median, worst, worstName, rank }: UnseenSummary): string {
  return `${what}: ${networks} networks, each left out in turn: median ${percent(median)}, worst ${percent(worst)} ` +
    `(${worstName}), rank correlation ${rank.toFixed(3)}`;
}

/** Prints how far predictions on an adapter are off. */
export function printAdapterErrors(model: AdapterModel, output: Output): object {
  const device = summarizeUnseen(model.unseen, "device"), frame = summarizeUnseen(model.unseen, "frame");
  output.line(`${model.adapter}, ${model.setting}, ${model.date}`);
  output.line(summaryText("  dispatches", device));
  output.line(summaryText("  whole frames", frame));
  return { adapter: model.adapter, setting: model.setting, date: model.date, device, frame };
}

/** Milliseconds of device time by operator, the greatest first. */
function byOperator({ dispatches }: FramePrediction): [string, number][] {
  const sums = new Map<string, number>();
  for (const { operator, milliseconds } of dispatches) {
    sums.set(operator, (sums.get(operator) ?? 0) + milliseconds);
  }
  return [...sums].sort((a, b) => b[1] - a[1]);
}

/** Predicts a graph on an adapter and prints that; `parts` are milliseconds by operator. Throws FeatherdetError for int8 of floats. */
export function predictOnAdapter(
  graph: Graph,
  model: AdapterModel,
  { source, precision, isOne }: { source: string; precision?: DevicePrecision; isOne: boolean },
  output: Output,
): { prediction: FramePrediction; parts: readonly (readonly [string, number])[] } {
  if (precision === "int8") checkPrecision(graph, "int8");
  const prediction = predictFrame(graph, model, { scalar: precision === "fp16" ? "f16" : "f32" });
  const { deviceTime, deviceBand: [least, most], milliseconds, error_band: [low, high] = [], dispatches } = prediction;
  const range = (from: number, to: number) => `(${from.toFixed(1)} to ${to.toFixed(1)})`;
  output.line(
    `${source} on ${model.adapter}, ${prediction.scalar}, ${model.setting}: ` +
      (milliseconds === undefined
        ? ""
        : `${milliseconds.toFixed(1)} ms ${range(low!, high!)} from picture to boxes, `) +
      `${deviceTime.toFixed(1)} ms ${range(least, most)} on the device`,
  );
  if (prediction.changed.length > 0) {
    output.note(
      `${
        prediction.changed.join(", ")
      }: changed since they were measured; \`deno run -A bench/adapter.ts\` measures again`,
    );
  }
  const parts = byOperator(prediction);
  if (isOne) {
    const from = Map.groupBy(dispatches, (one) => one.from);
    const counts = [...from].map(([source, some]) => {
      const time = some.reduce((sum, one) => sum + one.milliseconds, 0);
      return `${some.length} (${time.toFixed(1)} ms) by ${
        source === "measured" ? "measurement" : `costs of ${SOURCES[source]}`
      }`;
    });
    output.line(`  ${dispatches.length} dispatches: ${counts.join(", ")}`);
    for (const [operator, time] of parts) output.line(`  ${operator.padEnd(24)}${time.toFixed(2).padStart(8)} ms`);
    output.line("  slowest dispatches");
    for (const one of [...dispatches].sort((a, b) => b.milliseconds - a.milliseconds).slice(0, SLOWEST)) {
      output.line(`  ${one.milliseconds.toFixed(2).padStart(8)} ms  ${one.kernel.padEnd(28)} ${one.name}`);
    }
  }
  return { prediction, parts };
}

/** Whose costs say a time, for people. */
const SOURCES = { kind: "their kind", shader: "their shader", any: "any dispatch" } as const;
