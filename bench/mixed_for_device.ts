/**
 * Layers that become int8 if the milliseconds of a device decide, against those that do if operations decide. Devices are predicted.
 *
 * `deno run -A bench/mixed_for_device.ts [--device jetson-orin-nano] [--share 0.5] [--record data/results/quantization/mixed.json]`
 *
 * Takes what each layer of YOLO11n at 640 loses in int8 from a record of `quantize --mixed`. The rest is f16. Both choices save the same
 * share of what int8 in all layers would save on the device; layers are taken in the order of loss for what they save: milliseconds, or
 * operations. Prints Markdown: layers, predicted milliseconds and losses of both, and where they differ.
 *
 * @module
 */

import { parseArgs } from "node:util";
import { assignmentsOf } from "../src/compress/quantize/mixed/assign.ts";
import type { MixedReport } from "../src/compress/quantize/mod.ts";
import { fusedLayers } from "../src/hardware/layers.ts";
import { predictLatency } from "../src/hardware/predict.ts";
import { loadModel } from "../src/host/models.ts";

const { values: given } = parseArgs({
  options: {
    device: { type: "string", default: "jetson-orin-nano" },
    share: { type: "string", default: "0.5" },
    record: { type: "string", default: "data/results/quantization/mixed.json" },
  },
});
const { report } = JSON.parse(await Deno.readTextFile(given.record)) as { report: MixedReport };
const graph = await loadModel("yolo11n", { size: 640 });
const { device } = given, share = Number(given.share);
const timesIn = (precision: "fp16" | "int8") =>
  new Map(predictLatency(graph, { device, precision }).layers.map(({ name, milliseconds }) => [name, milliseconds]));
const float = timesIn("fp16"), int8 = timesIn("int8");
const work = new Map(fusedLayers(graph).map((layer) => [layer.name, layer]));
const layers = report.layers.filter(({ name, fixed }) => fixed === null && float.has(name)).map(({ name, loss }) => {
  return { name, loss, saved: float.get(name)! - int8.get(name)!, macs: work.get(name)!.macs };
});
const all = layers.reduce((sum, { saved }) => sum + Math.max(0, saved), 0);
const whole = [...float.values()].reduce((sum, one) => sum + one, 0);

/** The first set in the order of loss for each unit saved that saves the share of the milliseconds. */
function chosenBy(gain: (layer: typeof layers[number]) => number): Set<string> {
  const sets = assignmentsOf(
    { storage: "f16", milliseconds: 0, loss: 0 },
    layers.map((layer) => ({ name: layer.name, loss: layer.loss, gain: gain(layer) })),
  );
  const savedBy = (names: readonly string[]) =>
    names.reduce((sum, name) => sum + layers.find((layer) => layer.name === name)!.saved, 0);
  return new Set((sets.find(({ int8 }) => savedBy(int8) >= share * all) ?? sets.at(-1)!).int8);
}
const byTime = chosenBy(({ saved }) => saved), byWork = chosenBy(({ macs }) => macs);
const total = (chosen: Set<string>, of: (layer: typeof layers[number]) => number) =>
  layers.reduce((sum, layer) => chosen.has(layer.name) ? sum + of(layer) : sum, 0);
const macs = layers.reduce((sum, layer) => sum + layer.macs, 0);
console.log(
  `yolo11n at 640 on ${device}: ${whole.toFixed(2)} ms in f16, ${
    all.toFixed(2)
  } ms less with ${layers.length} layers in int8\n`,
);
console.log("| layers taken by loss over | layers in int8 | predicted ms | loss | operations in int8 |");
console.log("| --- | ---: | ---: | ---: | ---: |");
for (const [title, chosen] of [["milliseconds saved", byTime], ["operations", byWork]] as const) {
  console.log(
    `| ${title} | ${chosen.size} | ${(whole - total(chosen, ({ saved }) => saved)).toFixed(2)} | ` +
      `${total(chosen, ({ loss }) => loss).toFixed(4)} | ${(total(chosen, (layer) => layer.macs) / macs).toFixed(2)} |`,
  );
}
const placeOf = (name: string) => {
  const { kind, outputShape } = work.get(name)!;
  return kind === "product" ? "attention" : `${kind} at ${outputShape[2]}x${outputShape[3]}`;
};
console.log("\n| layers | there are | int8 by milliseconds | by operations |\n| --- | ---: | ---: | ---: |");
for (const [place, members] of Map.groupBy(layers, ({ name }) => placeOf(name))) {
  const count = (chosen: Set<string>) => members.filter(({ name }) => chosen.has(name)).length;
  console.log(`| ${place} | ${members.length} | ${count(byTime)} | ${count(byWork)} |`);
}
