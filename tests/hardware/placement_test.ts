/** Placements on given costs: against every way there is, and where one knows the answer. */

import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { FeatherdetError } from "../../src/graph/error.ts";
import { type EngineCosts, Placer } from "../../src/hardware/placement/place.ts";
import { CutPlaces, preparedForPlacement } from "../../src/hardware/placement/steps.ts";
import { demoDetector } from "../../src/models/demo_detector.ts";
import { seededRandom } from "../support/random.ts";
import { graphOf, node } from "../support/tiny_graph.ts";

/** A chain of sums of tanhs, whose values are of 4 * side * side bytes, with a value that leaps over three nodes. */
const CHAIN = graphOf({ x: [1, 1, 5, 7] }, ["f"], [
  node("Tanh", ["x"], ["a"], {}),
  node("MaxPool", ["a"], ["b"], {
    kernel: [2, 2],
    strides: [2, 2],
    pads: [0, 0, 0, 0],
    dilations: [1, 1],
    ceilMode: false,
  }),
  node("Resize", ["b"], ["c"], {
    mode: "nearest",
    coordinates: "asymmetric",
    nearest: "floor",
    size: [5, 7],
    scales: [2.5, 7 / 3],
  }),
  node("Concat", ["c", "a"], ["d"], { axis: 1 }),
  node("Softmax", ["d"], ["e"], { axis: 1 }),
  node("MaxPool", ["e"], ["f"], {
    kernel: [2, 2],
    strides: [2, 2],
    pads: [0, 0, 0, 0],
    dilations: [1, 1],
    ceilMode: false,
  }),
]);

function engine(name: string, milliseconds: readonly number[], rest: Partial<EngineCosts> = {}): EngineCosts {
  const nodes = new Map(CHAIN.nodes.map((one, i) => [one.name, milliseconds[i]]));
  return { name, nodes, call: 0, hidden: 0, perValue: 0, perByte: 0, busy: 1, ...rest };
}

/** The cost of running each node where the list says, written down plainly: runs of the same engine are one call. */
function naive(engines: readonly EngineCosts[], where: readonly number[]): { latency: number; loads: number[] } {
  const sizes: Record<string, number> = { x: 35, a: 35, b: 6, c: 35, d: 70, e: 70, f: 12 };
  const loads = engines.map(() => 0);
  let from = 0;
  for (let to = 1; to <= where.length; to++) {
    if (to < where.length && where[to] === where[from]) continue;
    const inside = CHAIN.nodes.slice(from, to), made = inside.flatMap(({ outputs }) => outputs);
    const read = new Set(inside.flatMap(({ inputs }) => inputs).filter((name) => !made.includes(name)));
    const later = new Set([...CHAIN.nodes.slice(to).flatMap(({ inputs }) => inputs), "f"]);
    const through = [...read, ...made.filter((name) => later.has(name))];
    const { call, perValue, perByte, nodes } = engines[where[from]];
    loads[where[from]] += call + perValue * through.length +
      perByte * through.reduce((sum, name) => sum + 4 * sizes[name], 0) +
      inside.reduce((sum, { name }) => sum + nodes.get(name)!, 0);
    from = to;
  }
  return { latency: loads.reduce((a, b) => a + b), loads };
}

/** Every way to put six nodes on so many engines. */
function* ways(engines: number): Generator<number[]> {
  for (let at = 0; at < engines ** 6; at++) {
    yield Array.from({ length: 6 }, (_, i) => Math.floor(at / engines ** i) % engines);
  }
}

Deno.test("the least latency and the least interval are those of all ways there are", () => {
  const random = seededRandom(5);
  for (let trial = 0; trial < 12; trial++) {
    const count = 2 + trial % 2;
    const engines = Array.from(
      { length: count },
      (_, i) =>
        engine(`e${i}`, Array.from({ length: 6 }, () => 4 * random()), {
          call: random(),
          perValue: random() / 4,
          perByte: random() / 200,
          busy: 1 + random() / 2,
        }),
    );
    const placer = new Placer(new CutPlaces(CHAIN), engines);
    const all = [...ways(count)];
    const latency = Math.min(...all.map((where) => naive(engines, where).latency));
    assertAlmostEquals(placer.forLatency().latency, latency, 1e-9);
    const isPipeline = (where: readonly number[]) =>
      where.filter((one, i) => i === 0 || one !== where[i - 1]).length === new Set(where).size;
    const intervals = all.filter(isPipeline).map((where) => {
      const busy = new Set(where).size > 1;
      return Math.max(...naive(engines, where).loads.map((load, i) => load * (busy ? engines[i].busy : 1)));
    });
    assertAlmostEquals(placer.forThroughput().interval, Math.min(...intervals), 1e-9);
    const cut = Math.min(
      ...all.filter((where) => isPipeline(where) && new Set(where).size > 1).map((where) =>
        naive(engines, where).latency
      ),
    );
    assertAlmostEquals(placer.bestCut()!.latency, cut, 1e-9);
  }
});

Deno.test("an engine that is better at everything gets everything, and halves of a chain overlap", () => {
  const slow = engine("slow", [2, 2, 2, 2, 2, 2]), fast = engine("fast", [1, 1, 1, 1, 1, 1]);
  const all = new Placer(new CutPlaces(CHAIN), [slow, fast]).forLatency();
  assertEquals([all.stretches.map((one) => one.engine), all.latency, all.cuts], [["fast"], 6, []]);
  const pipeline = new Placer(new CutPlaces(CHAIN), [slow, fast]).forThroughput();
  assertEquals([pipeline.interval, pipeline.latency], [4, 8]);
  const waiting = { ...fast, call: 3, hidden: 3 };
  assertEquals(new Placer(new CutPlaces(CHAIN), [waiting]).forThroughput().interval, 6);
  assertEquals(new Placer(new CutPlaces(CHAIN), [fast]).bestCut(), undefined);
  assertThrows(() => new Placer(new CutPlaces(CHAIN), []), FeatherdetError, "needs engines");
  assertThrows(() => new Placer(new CutPlaces(CHAIN), [fast, fast]), FeatherdetError, "names of their own");
});

Deno.test("a detector is not cut between a layer and what it takes along, nor behind its maps", () => {
  const graph = preparedForPlacement(demoDetector({ size: 96 })), { places } = new CutPlaces(graph);
  for (const place of places.slice(1, -1)) {
    const [before, behind] = [graph.nodes[place - 1], graph.nodes[place]];
    assert(!(before.op === "Conv" && behind.op === "Silu"), `${before.name} and ${behind.name} are torn apart`);
  }
  const reshape = graph.nodes.findIndex(({ op }) => op === "Reshape");
  assert(places.filter((place) => place > reshape).length === 1);
});
