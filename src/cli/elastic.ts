/**
 * `elastic`: takes the best sub-network within a budget out of an elastic network that `train --elastic` has trained.
 *
 * @module
 */

import { join } from "node:path";
import { Option } from "npm:@commander-js/extra-typings@15.1.0";
import { markdownTable } from "npm:markdown-table@3.1.0";
import { SEARCH_METHODS, type SearchMethodName } from "../compress/search/methods.ts";
import { cheapestPoint, dearestPoint, namedPoint } from "../compress/search/space.ts";
import { readTable, tableHead, tableLine } from "../compress/search/trial_table.ts";
import { openTrainingPart, openValidationPart } from "../data/parts.ts";
import { FeatherdetError } from "../graph/error.ts";
import { folderStore } from "../host/run_folder.ts";
import { createDiskMemo } from "../host/meter_memo.ts";
import { saveOnnx } from "../onnx/mod.ts";
import { searchSubnet, subnetCosts, subnetProblem, type SubnetRow, subnetRow } from "../recipes/elastic/search.ts";
import { createSubnetMeter } from "../recipes/elastic/subnet_meter.ts";
import { loadElastic } from "../recipes/elastic/training.ts";
import { predictedNames } from "../recipes/predicted_latency.ts";
import { integerIn, numberIn } from "./arguments.ts";
import { INTERRUPTED, stopSignal } from "./stop_signal.ts";
import { deviceAction, deviceVerb } from "./verb.ts";

const EXAMPLE = "deno task elastic --run runs/elastic --data bccd --gflops 0.4 --out found";

const MORE = `
The run is one of deno task train --model bccd --data bccd --size 128 --elastic --epochs 40 --out runs/elastic.

A candidate is taken out of the trained network as a plain graph, its statistics are measured anew on pictures to train on, and it is
judged on pictures to validate on. Files in the folder of --out: found.onnx (to train further with deno task train --model
found/found.onnx), trials.jsonl (what was tried), report.md. Stopped anywhere, the same command goes on.`;

const TRIALS = "trials.jsonl", FOUND = "found.onnx", REPORT = "report.md";

/** The rows of the report as a table. */
function tableOf(rows: readonly SubnetRow[], metric: string, unit: string): string {
  const body = rows.map(({ name, cost, parameters, entropy, figures }) => [
    ...[name, cost.toPrecision(4), (parameters / 1e6).toFixed(3), entropy.toFixed(0), figures[metric].toFixed(3)],
  ]);
  return markdownTable([["sub-network", unit, "M parameters", "entropy", metric], ...body], {
    align: ["l", "r", "r", "r", "r"],
  });
}

/** The verb `elastic`. */
export const elasticVerb = deviceVerb(
  "elastic",
  "Take the best sub-network within a budget out of an elastic network.",
  EXAMPLE,
)
  .requiredOption("--run <place>", "folder or checkpoint of a run of train --elastic")
  .requiredOption("--data <set>", "pictures: synthetic, bccd, coco, a folder, or its data.yaml")
  .requiredOption("--out <folder>", "folder for the model, the trials and the report")
  .option("--gflops <share>", "share of the whole network's operations that may be left", numberIn(1e-6, 1))
  .option("--latency <share>", "share of its milliseconds on --device, as they are predicted", numberIn(1e-6, 1))
  .addOption(new Option("--device <name>", "with --latency: a device that is not here").choices(predictedNames()))
  .addOption(
    new Option("--method <name>", "how candidates are chosen").choices(
      Object.keys(SEARCH_METHODS) as SearchMethodName[],
    )
      .default("evolution" as SearchMethodName),
  )
  .option("--evaluations <number>", "candidates that are judged", integerIn(1, 1e6), 60)
  .option("--sieve <number>", "of so many proposals only the one of the most entropy is judged", integerIn(2, 1e4))
  .addOption(
    new Option("--metric <name>", "figure that counts").choices(["map", "map50"] as const).default("map" as const),
  )
  .option("--pictures <number>", "pictures that statistics are measured on", integerIn(1, 2 ** 31 - 1), 64)
  .option("--limit <number>", "judge on the first so many pictures only", integerIn(1, 2 ** 31 - 1))
  .option("--val-split <name>", "part that judges; val by default")
  .option("--seed <number>", "equal seeds propose equal candidates", integerIn(0, 2 ** 31 - 1), 0)
  .addHelpText("after", MORE)
  .action(async (options) => {
    await deviceAction<typeof options>(async (asked, output) => {
      const { run, data, out, gflops, latency, device, method, evaluations, sieve, metric, seed } = asked;
      const share = latency ?? gflops;
      if (share === undefined || latency !== undefined && gflops !== undefined) {
        throw new FeatherdetError("a search needs one budget: give --gflops, or --latency with --device");
      }
      if ((latency === undefined) !== (device === undefined)) {
        throw new FeatherdetError("--latency and --device belong together");
      }
      const { net, file } = await loadElastic(run), train = await openTrainingPart(data);
      const judge = await openValidationPart(data, train, { split: asked.valSplit, limit: asked.limit });
      if (judge === undefined) throw new FeatherdetError(`${data} has no part to judge by`);
      const store = await folderStore(out), costs = await subnetCosts(net, device);
      const meter = createSubnetMeter(net, { train, judge }, { pictures: asked.pictures, memo: createDiskMemo() });
      const problem = subnetProblem(net, meter, costs, { share, metric });
      const before = await store.read(TRIALS), text = before && new TextDecoder().decode(before);
      const history = text === undefined ? [] : readTable(problem, text, join(out, TRIALS));
      // What was cut off by a stop is written anew.
      const lines = history.map((trial, i) => tableLine(problem, trial, i + 1));
      await store.write(TRIALS, [tableHead(problem), ...lines, ""].join("\n"));
      output.note(`${file}: ${net.space.dimensions.length} dimensions, ${history.length} trials are there`);
      const stop = stopSignal(output);
      try {
        const found = await searchSubnet(net, meter, costs, {
          ...{ share, device, method, evaluations, sieve, metric, seed, history, signal: stop.signal },
          onTrial: async (trial, done) => {
            await store.append(TRIALS, `${tableLine(problem, trial, done)}\n`);
            const [score, cost] = trial.values;
            output.note(`${done}/${evaluations}  ${metric} ${score.toFixed(3)}  ${cost.toPrecision(4)} ${costs.text}`);
          },
        });
        if (found.reason === "interrupted") {
          output.note("interrupted: the same command goes on");
          Deno.exitCode = INTERRUPTED;
        }
        const { best, graph } = found;
        if (!best || !graph || found.reason === "interrupted") {
          return { reason: found.reason, trials: found.trials.length };
        }
        await store.write(FOUND, saveOnnx(graph));
        const rows = [subnetRow(net, costs, "found", best.point, { [metric]: best.values[0] })];
        for (
          const [name, point] of [["whole", dearestPoint(net.space)], ["smallest", cheapestPoint(net.space)]] as const
        ) {
          rows.push(subnetRow(net, costs, name, point, { ...await meter.score(await meter.take(point)) }));
        }
        const table = tableOf(rows, metric, costs.text), point = namedPoint(net.space, best.point);
        const chosen = Object.entries(point).map(([name, value]) => `- ${name}: ${value}`).join("\n");
        await store.write(REPORT, `# A sub-network of ${file}\n\n${table}\n\n${chosen}\n`);
        output.line(table);
        output.line(`written to ${out}`);
        return { reason: found.reason, model: join(out, FOUND), point, rows, trials: found.trials.length };
      } finally {
        stop.release();
      }
    })(options);
  });
