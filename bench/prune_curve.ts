/**
 * Accuracy against operations of models that were made smaller in different ways, on one data set.
 *
 * `deno run -A bench/prune_curve.ts --out data/results/bccd/pruning-curve --data bccd --split test --size 320 --title "YOLO11n on BCCD"
 *    "the original=bccd" "Taylor, in rounds=a.onnx,b.onnx" "narrower, from scratch=c.onnx,d.onnx@224"`
 *
 * With `--over pictures` the axis is not operations but the number of pictures that a model was last trained on, as its file tells; 0 for none.
 *
 * An argument is a way and its models: names or files, each at another input size where `@` says so. The first argument is the original.
 * Writes OUT.json (shares of the original, figures, and the history that each file carries: options, seeds, epochs, data) and OUT.svg.
 * Prints Markdown.
 *
 * @module
 */

import { parseArgs } from "node:util";
import { historyOf } from "../src/compress/history.ts";
import { costsOf } from "../src/compress/prune/mod.ts";
import { openDataset } from "../src/data/open.ts";
import { openSharedDevice } from "../src/gpu/device.ts";
import { loadModel } from "../src/host/models.ts";
import { writeWhole } from "../src/host/whole_file.ts";
import { saveOnnx } from "../src/onnx/mod.ts";
import { validate } from "../src/recipes/prune/validate.ts";
import { drawPareto } from "../src/report/plot/pareto.ts";

const { values: given, positionals } = parseArgs({
  options: {
    out: { type: "string" },
    data: { type: "string", default: "bccd" },
    split: { type: "string", default: "test" },
    size: { type: "string", default: "320" },
    title: { type: "string", default: "Pruned models" },
    over: { type: "string", default: "operations" },
  },
  allowPositionals: true,
});
const overPictures = given.over === "pictures";
if (given.out === undefined || positionals.length === 0 || !overPictures && given.over !== "operations") {
  console.error(
    "usage: bench/prune_curve.ts --out FILE [--data D] [--split S] [--size N] [--over operations|pictures] WAY=MODEL[@SIZE][,MODEL...] ...",
  );
  Deno.exit(2);
}

const dataset = await openDataset(given.data, { split: given.split });
const { adapter } = await openSharedDevice();

async function measured(way: string, text: string) {
  const [model, size = given.size] = text.split("@");
  const graph = await loadModel(model, { size: Number(size), batch: 1 });
  const { gflops, parameters } = costsOf(graph), bytes = saveOnnx(graph).length;
  const score = await validate(graph, dataset);
  const history = historyOf(graph).map(({ name, options, seed, dataset }) => ({ name, options, seed, dataset }));
  const pictures = history.findLast(({ name }) => name === "train")?.dataset?.pictures ?? 0;
  return { way, size: Number(size), pictures, gflops, parameters, bytes, ...score, history };
}

const rows: Awaited<ReturnType<typeof measured>>[] = [];
for (const argument of positionals) {
  const [way, models] = argument.split("=");
  for (const model of models.split(",")) rows.push(await measured(way, model));
}
const [original] = rows;
const told = rows.map((row) => ({
  ...row,
  shares: {
    ...{ gflops: row.gflops / original.gflops, parameters: row.parameters / original.parameters },
    ...{ bytes: row.bytes / original.bytes, map50: row.map50 / original.map50, map: row.map / original.map },
  },
}));

const print = (cells: readonly string[]) => console.log(`| ${cells.join(" | ")} |`);
const heads = [
  "way",
  "input",
  "pictures",
  "operations",
  "parameters",
  "bytes",
  "mAP50",
  "of the original",
  "mAP50-95",
  "of the original",
];
print(heads);
print(heads.map(() => "---"));
for (const { way, size, pictures, shares, map50, map } of told) {
  const parts = [shares.gflops, shares.parameters, shares.bytes, map50, shares.map50, map, shares.map];
  print([way, `${size}`, `${pictures}`, ...parts.map((part) => part.toFixed(3))]);
}

const ways = [...new Set(rows.map(({ way }) => way))];
const subtitle = `${dataset.name} ${dataset.split}, ${dataset.images.length} pictures; ${adapter.name}`;
const svg = drawPareto(
  told.map(({ way, pictures, shares, map50 }) => ({
    ...(overPictures ? { label: `${pictures}`, x: pictures } : { label: shares.gflops.toFixed(2), x: shares.gflops }),
    ...{ group: way, y: map50, kind: "measured" as const },
  })),
  {
    ...{ title: given.title, subtitle, lines: ways.slice(1), above: ways[0], front: !overPictures },
    xLabel: overPictures ? "pictures of the training" : "operations, share of the original",
    yLabel: "mAP50",
  },
);
await writeWhole(`${given.out}.svg`, svg);
await writeWhole(
  `${given.out}.json`,
  `${JSON.stringify({ title: given.title, adapter, rows: told }, null, 1)}\n`,
);
console.log(`\nwritten: ${given.out}.svg, ${given.out}.json`);
