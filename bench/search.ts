/**
 * Ways to search at equal numbers of evaluations: best score so far, for each way and seed.
 *
 * `deno run -A bench/search.ts --space chain [--evaluations 200] [--seeds 5] [--methods random,uniform,tpe,asha,evolution,qubo,ddpg]`
 * `deno run -A bench/search.ts --space widths --evaluations 60 --seeds 1 [--size 160] [--pictures 8] [--gflops 0.4] [--looks 0.25,0.5]`
 *
 * `chain` is a chain of layers whose best widths are known; it takes minutes, most of them for training the agent. `widths` are those of
 * `bccd`, scored by how far the cut network agrees with the whole one after its statistics were measured anew, on a few pictures of `train`;
 * scores are remembered in `.cache/meter/`. Tables of the trials are in `.cache/search/`, from which the same call goes on after a stop.
 * Writes `bench/results/search-SPACE.json` and `.svg`, and prints Markdown. With `--models FOLDER` the best network of each way, its weights
 * fitted, is written there as `WAY.onnx`, to be trained further. With `--looks` successive halving looks at candidates on these shares
 * of the pictures first; without, it is chance.
 *
 * @module
 */

import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { remember } from "../src/compress/meter.ts";
import { chooseWidths, pruneProblem, pruneTo, type Widths } from "../src/compress/prune/mod.ts";
import { ddpg } from "../src/compress/search/ddpg/agent.ts";
import { SEARCH_METHODS, searchMethod } from "../src/compress/search/methods.ts";
import type { SearchMethod, SearchProblem, Trial } from "../src/compress/search/problem.ts";
import { bestSoFar, runSearch } from "../src/compress/search/run.ts";
import { type NamedPoint, namedPoint, type Point } from "../src/compress/search/space.ts";
import { readTable, tableHead, tableLine } from "../src/compress/search/trial_table.ts";
import { widthSearch } from "../src/compress/search/width_space.ts";
import { openDataset } from "../src/data/open.ts";
import { adapterText, openSharedDevice } from "../src/gpu/device.ts";
import { type Graph, inferTypes } from "../src/graph/mod.ts";
import { createDiskMemo } from "../src/host/meter_memo.ts";
import { loadModel } from "../src/host/models.ts";
import { saveOnnx } from "../src/onnx/mod.ts";
import { writeWhole } from "../src/host/whole_file.ts";
import { recordHeader } from "../src/recipes/bench/record.ts";
import { createAgreementMeter } from "../src/eval/agreement_meter.ts";
import { withBatch } from "../src/passes/mod.ts";
import { batchesOf, reestimateTo, targetsOn } from "../src/recipes/prune/measure.ts";
import { refitOn } from "../src/recipes/prune/refit.ts";
import { withNormalisation } from "../src/recipes/prune/normalisation.ts";
import { createWidthMeter } from "../src/recipes/prune/width_meter.ts";
import { agentTrainers } from "../src/recipes/search/agent_trainer.ts";
import { drawSearch } from "../src/report/plot/search.ts";
import { bestOfChain, chainProblem } from "./search_spaces.ts";

const ALL = [...Object.keys(SEARCH_METHODS), "ddpg"];

const { values: given } = parseArgs({
  options: {
    space: { type: "string", default: "chain" },
    evaluations: { type: "string", default: "200" },
    seeds: { type: "string", default: "5" },
    methods: { type: "string", default: ALL.join(",") },
    size: { type: "string", default: "160" },
    pictures: { type: "string", default: "8" },
    gflops: { type: "string", default: "0.4" },
    models: { type: "string" },
    looks: { type: "string" },
  },
});
const evaluations = Number(given.evaluations), seeds = Number(given.seeds), methods = given.methods.split(",");
const { adapter } = await openSharedDevice();

/** A problem, and what is written on its plot. */
interface Subject {
  readonly problem: SearchProblem;
  readonly best?: number;
  /** Widths that the criterion alone chooses: their score, and that behind a fit. */
  readonly criterion?: readonly [score: number, fitted: number];
  /** The score of a candidate whose weights were fitted to what layers made before the cut. */
  readonly fitted?: (point: Point) => Promise<number>;
  /** The network of such a candidate, for one picture. */
  readonly network?: (point: Point) => Promise<Graph>;
  readonly title: string;
  readonly text: string;
}

/** Numbers that an agent sees of a bundle: groups, outputs, inputs and side of the first kernel, stride, side of the map. */
function bundleFeatures(graph: Graph, problem: ReturnType<typeof pruneProblem>) {
  const types = inferTypes(graph), nodes = new Map(graph.nodes.map((node) => [node.name, node]));
  return (bundle: number): readonly number[] => {
    const { groups, members } = problem.model.bundles[bundle];
    const member = members.find(({ operator }) => operator === "Conv") ?? members[0], node = nodes.get(member.node)!;
    const [outputs, inputs = 1, kernel = 1] = graph.constants.get(member.constant)!.shape;
    const stride = node.op === "Conv" ? node.attributes.strides[0] : 1;
    return [groups.length, outputs, inputs, kernel, stride, types.get(node.outputs[0])!.shape[2] ?? 1];
  };
}

async function widths(): Promise<Subject> {
  const size = Number(given.size), pictures = Number(given.pictures), share = Number(given.gflops);
  const dataset = await openDataset("bccd", { split: "train", limit: pictures });
  const source = await withNormalisation(await loadModel("bccd", { size, batch: 1 }), dataset);
  const pruned = pruneProblem(source, { budget: { gflops: share }, criterion: "l2" });
  const memo = createDiskMemo(), meter = createWidthMeter(pruned, dataset, { pictures, batch: pictures, memo });
  const text =
    `agreement of yolo11n on bccd at ${size} with its cut to ${share} of the GFLOPs, ${pictures} pictures of train`;
  const looks = (given.looks?.split(",") ?? []).map((text) => {
    const share = Number(text), some = Math.max(1, Math.round(share * pictures));
    return { share, meter: createWidthMeter(pruned, dataset, { pictures: some, batch: some, memo }) };
  });
  const { problem, widthsOf } = widthSearch({ ...pruned, meter }, {
    ...{ basis: text, features: bundleFeatures(source, pruned), looks },
  });
  const whole = withBatch(source, pictures), batches = await Array.fromAsync(batchesOf(whole, dataset, pictures));
  const targets = await targetsOn(whole, () => batches), agreement = createAgreementMeter(whole, batches, text);
  const networkOf = async (widths: Widths) => {
    const made = pruneTo(pruned, widths);
    const graph = await refitOn(made, source, dataset, { pictures, batch: pictures });
    return await reestimateTo({ graph, groups: made.groups }, targets, () => batches, pictures);
  };
  const fittedOf = (widths: Widths) =>
    remember(
      ...[memo, "fitted", `${adapter.name} | ${text} | ${widths.join()}`] as const,
      async () => await agreement.score({ graph: withBatch(await networkOf(widths), pictures) }),
    );
  const greedy = await chooseWidths({ ...pruned, method: "criterion" });
  return {
    ...{ problem, text, title: "Searches for the widths of YOLO11n" },
    criterion: [await meter.score(greedy), await fittedOf(greedy)],
    fitted: (point) => fittedOf(widthsOf(point)),
    network: async (point) => withBatch(await networkOf(widthsOf(point)), 1),
  };
}

function subject(): Promise<Subject> {
  if (given.space === "widths") return widths();
  const text = "widths of 12 layers within 0.4 of the operations", most = 0.4;
  const problem = chainProblem(most, methods.includes("asha") ? [0.2, 0.5, 1] : [1]);
  return Promise.resolve({
    problem,
    best: bestOfChain(most),
    title: "Searches for the widths of a chain of layers",
    text,
  });
}

const methodOf = (name: string): SearchMethod =>
  name === "ddpg" ? ddpg({ createTrainer: agentTrainers() }) : searchMethod(name);

/** The table of a run, which grows by a line a trial. */
async function openTable(problem: SearchProblem, name: string, seed: number) {
  const file = fileURLToPath(
    new URL(`../.cache/search/${given.space}-${name}-${evaluations}-${seed}.jsonl`, import.meta.url),
  );
  await Deno.mkdir(dirname(file), { recursive: true });
  let history: readonly Trial[] = [];
  try {
    history = readTable(problem, await Deno.readTextFile(file), file);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  // Written anew: a line that was cut off is gone then.
  const lines = history.map((trial, i) =>
    tableLine(problem, trial, history.slice(0, i + 1).reduce((s, t) => s + t.fidelity, 0))
  );
  await writeWhole(file, [tableHead(problem), ...lines, ""].join("\n"));
  return {
    history,
    add: (trial: Trial, spent: number) =>
      Deno.writeTextFile(file, `${tableLine(problem, trial, spent)}\n`, { append: true }),
  };
}

/** What a seed found. */
interface Run {
  readonly seed: number;
  readonly score: number;
  readonly cost?: number;
  readonly point: NamedPoint;
  readonly curve: readonly (number | undefined)[];
  /** Score of the best candidate behind a fit of its weights. */
  readonly fitted?: number;
}

const { problem, best, criterion, fitted, network, title, text } = await subject();
const found: { readonly name: string; readonly runs: readonly Run[] }[] = [];
for (const name of methods) {
  const runs: Run[] = [];
  let leader: Trial | undefined;
  for (let seed = 0; seed < seeds; seed++) {
    const table = await openTable(problem, name, seed), started = performance.now();
    const { trials, best: one } = await runSearch(problem, {
      ...{ method: methodOf(name), seed, evaluations, history: table.history, onTrial: table.add },
    });
    if (leader === undefined || one!.values[0] > leader.values[0]) leader = one!;
    const seconds = (performance.now() - started) / 1000;
    console.error(
      `${name}, seed ${seed}: ${one!.values[0].toFixed(4)} after ${trials.length} trials, ${seconds.toFixed(0)} s`,
    );
    runs.push({
      seed,
      score: one!.values[0],
      cost: one!.cost,
      point: namedPoint(problem.space, one!.point),
      curve: bestSoFar(problem, trials),
      ...(fitted && { fitted: await fitted(one!.point) }),
    });
  }
  found.push({ name, runs });
  if (given.models !== undefined && network !== undefined) {
    await Deno.mkdir(given.models, { recursive: true });
    await writeWhole(join(given.models, `${name}.onnx`), saveOnnx(await network(leader!.point)));
  }
}

const median = (values: readonly number[]) => {
  const sorted = values.toSorted((a, b) => a - b), half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
};
const at = (runs: readonly Run[], count: number) =>
  runs.flatMap(({ curve }) => curve[Math.min(count, curve.length) - 1] ?? []);
const marks = [...new Set([10, 50, 100, evaluations])].filter((count) => count <= evaluations);
const range = (values: readonly number[]) =>
  values.length === 0
    ? "—"
    : `${median(values).toFixed(4)} [${Math.min(...values).toFixed(4)}, ${Math.max(...values).toFixed(4)}]`;
const heads = [...marks.map((count) => `best of ${count}`), ...(fitted ? ["the best, fitted"] : [])];
console.log(`| way | ${heads.join(" | ")} |`);
console.log(`| :-- | ${heads.map(() => "--:").join(" | ")} |`);
for (const { name, runs } of found) {
  const cells = [
    ...marks.map((count) => at(runs, count)),
    ...(fitted ? [runs.flatMap((run) => run.fitted ?? [])] : []),
  ];
  console.log(`| ${name} | ${cells.map(range).join(" | ")} |`);
}
if (best !== undefined) console.log(`\nKnown best: ${best.toFixed(4)}`);
if (criterion !== undefined) {
  console.log(
    `\nThe criterion l2 alone, one evaluation: ${criterion[0].toFixed(4)}, fitted ${criterion[1].toFixed(4)}`,
  );
}

const out = fileURLToPath(new URL(`results/search-${given.space}`, import.meta.url));
const { date, commit, machine, versions } = await recordHeader(adapter, "");
// Where models are kept is a place of one machine.
const asked = Deno.args.filter((arg, i) => arg !== "--models" && Deno.args[i - 1] !== "--models");
const command = `deno run -A bench/search.ts ${asked.join(" ")}`;
const record = {
  command,
  text,
  evaluations,
  seeds,
  ...(best !== undefined && { best }),
  ...(criterion !== undefined && { criterion }),
  date,
  commit,
  adapter,
  machine,
  versions,
  methods: found,
};
await writeWhole(`${out}.json`, `${JSON.stringify(record, null, 1)}\n`);
await writeWhole(
  `${out}.svg`,
  drawSearch(found.map(({ name, runs }) => ({ name, curves: runs.map(({ curve }) => curve) })), {
    ...{ title, best, yLabel: "best score so far" },
    subtitle: `${text}; ${
      seeds === 1 ? "one seed" : `medians of ${seeds} seeds, bands from the worst to the best`
    }; agent on ${adapterText(adapter)}`,
  }),
);
