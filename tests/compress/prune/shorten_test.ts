/** Pruning of depth: which parts go, against a plain greedy search and scores that are known. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { historyOf } from "../../../src/compress/history.ts";
import { passStep, runPasses } from "../../../src/compress/pass.ts";
import { type ShortenOptions, shortenPass } from "../../../src/compress/prune/mod.ts";
import { packWeights } from "../../../src/compress/quantize/mod.ts";
import { FeatherdetError, type Graph } from "../../../src/graph/mod.ts";
import { yolo11 } from "../../../src/models/yolo11.ts";
import { countLayers, partsOf, removeParts } from "../../../src/passes/mod.ts";
import { lively } from "../../support/lively.ts";
import { seededRandom } from "../../support/random.ts";

const model = lively(yolo11({ width: 0.0625, size: 32, classes: 3 }), 3);
const layersOf = (graph: Graph) => new Set(graph.nodes.flatMap(({ op, name }) => op === "Conv" ? [name] : []));
const ALL = layersOf(model);

/** A network is worth what its layers are; with a power below 1 a layer is missed the more, the fewer are left. */
function worth(seed: number, power: number) {
  const random = seededRandom(seed), worths = new Map([...ALL].map((name) => [name, random()]));
  let asked = 0;
  const scoreOf = (graph: Graph) => {
    asked++;
    let sum = 0;
    for (const name of layersOf(graph)) sum += worths.get(name)!;
    return Promise.resolve((sum / 50) ** power);
  };
  return { scoreOf, asked: () => asked };
}

const shorten = (options: ShortenOptions, graph = model) => runPasses(graph, [passStep(shortenPass, options)]);

/** The parts that a search takes that measures all that is left each time. */
async function greedily(scoreOf: ShortenOptions["scoreOf"], share: number): Promise<string[]> {
  const parts = partsOf(model), gone: typeof parts = [], most = Math.floor(share * countLayers(model));
  for (let graph = model; countLayers(graph) > most; graph = removeParts(model, gone)) {
    let best: { part: typeof parts[number]; loss: number; layers: number } | undefined;
    for (const part of parts) {
      // The last input of a Concat has to stay.
      let without;
      try {
        without = removeParts(model, [...gone, part]);
      } catch {
        continue;
      }
      const layers = countLayers(graph) - countLayers(without);
      if (layers === 0) continue;
      const loss = (await scoreOf(graph) - await scoreOf(without)) / layers;
      if (best === undefined || loss < best.loss || (loss === best.loss && layers > best.layers)) {
        best = { part, loss, layers };
      }
    }
    gone.push(best!.part);
  }
  return gone.map(({ name }) => name);
}

Deno.test("the parts that go are those that a search of all of them takes each time, with fewer networks scored", async () => {
  for (const [seed, power] of [[1, 0.5], [2, 0.8]] as const) {
    const { scoreOf, asked } = worth(seed, power);
    const { graph, reports: [report] } = await shorten({ layers: 0.75, scoreOf });
    const lazily = asked();
    assertEquals(report.removed.map(({ name }) => name), await greedily(worth(seed, power).scoreOf, 0.75));
    const plain = (report.removed.length * (report.parts.length - report.removed.length / 2)) + 1;
    assert(lazily < 0.6 * plain, `${lazily} networks scored, ${plain} otherwise`);
    assertEquals([report.before, report.after], [countLayers(model), countLayers(graph)]);
    assert(report.after <= 0.75 * report.before);
    assertEquals(report.removed.at(-1)!.score, await scoreOf(graph));
    assertEquals(report.score, await scoreOf(model));
    const [entry] = historyOf(graph);
    assertEquals([entry.name, entry.options], ["shorten", {
      layers: 0.75,
      removed: report.removed.map(({ name }) => name),
    }]);
  }
});

Deno.test("of parts that cost nothing the larger goes first, and a part within it is not taken out again", async () => {
  const { scoreOf } = { scoreOf: () => Promise.resolve(1) };
  const { reports: [{ removed }] } = await shorten({ layers: 0.9, scoreOf });
  assertEquals(removed.map(({ layers }) => layers), [7, 7]);
  const { reports: [all] } = await shorten({ layers: 0.6, scoreOf });
  assertEquals(all.removed.reduce((sum, { layers }) => sum + layers, 0), all.before - all.after);
});

Deno.test("what need not change is the given graph, and what cannot be is refused", async () => {
  const scoreOf = () => Promise.resolve(1), whole = await shorten({ layers: 1, scoreOf });
  assert(whole.graph === model);
  assertEquals(whole.reports[0].removed, []);
  for (const layers of [0, -1, 1.5, NaN]) {
    await assertRejects(() => shorten({ layers, scoreOf }), FeatherdetError, `a share of ${layers} of the layers`);
  }
  await assertRejects(() => shorten({ layers: 0.01, scoreOf }), FeatherdetError, "88 layers cannot become 0: ");
  const packed = packWeights(model, { bits: 2 }).graph;
  await assertRejects(
    () => shorten({ layers: 0.5, scoreOf }, packed),
    FeatherdetError,
    "the model is quantized already",
  );
  const ended = new Error("ended");
  const onChoosing = () => {
    throw ended;
  };
  await assertRejects(() => shorten({ layers: 0.5, scoreOf, onChoosing }), Error, "ended");
});
