/** A step of an elastic network: who is trained, by what, and which state goes from size to size. */

import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { elasticNet, masksOf } from "../../../src/compress/elastic/mod.ts";
import { cheapestPoint, dearestPoint } from "../../../src/compress/search/space.ts";
import { FeatherdetError } from "../../../src/graph/mod.ts";
import { yolo11 } from "../../../src/models/yolo11.ts";
import { shrunk } from "../../../src/recipes/elastic/shrunk.ts";
import { checkElastic } from "../../../src/recipes/elastic/training.ts";
import { ElasticTrainer, elasticTrainer } from "../../../src/recipes/elastic/trainer.ts";
import { evaluateNode, referenceTensor } from "../../../src/reference/run.ts";
import { inPlaceValues, maskInputs } from "../../../src/train/mod.ts";
import type { StepReport, TrainerState, TrainingBatch, UpdateSettings } from "../../../src/train/loop/trainer.ts";
import { randomTensor } from "../../support/random.ts";

const net = elasticNet(yolo11({ width: 0.0625, size: 64 }), { widths: [0.5, 1], sizes: [32, 64] });
const [[logits, logitsInput], [boxes, boxesInput]] = inPlaceValues(net);

interface Call {
  readonly size: number;
  readonly batch: TrainingBatch;
  readonly update?: UpdateSettings;
}

/** A trainer that notes what it is asked, and says the number of the call. */
function noting(size: number, calls: Call[]) {
  let state: TrainerState = { updates: 0, arrays: new Map() };
  const none = () => Promise.reject(new Error("not asked for"));
  const trainer = {
    ...{ batch: 1, size: [size, size] as const, boxes: 2, parameters: 1, losses: ["box", "classes", "distil logits"] },
    step(batch: TrainingBatch, update?: UpdateSettings): Promise<StepReport> {
      calls.push({ size, batch, update });
      if (update) state = { updates: state.updates + 1, arrays: new Map([["from", Float32Array.of(size)]]) };
      const said = Float32Array.of(calls.length);
      const losses = { box: calls.length, classes: 1, "distil logits": calls.length };
      return Promise.resolve({
        losses,
        skipped: false,
        values: { [logits]: said, [boxes]: said },
        ...(update && { gradientNorm: 3 }),
      });
    },
    state: () => Promise.resolve(state),
    restore: (given: TrainerState) => void (state = given),
    ...{ gradient: none, trained: none, takeAverage: none, findNonFinite: none },
    addGradient: () => {},
    destroy: () => {},
  };
  return { trainer, silent: { [logitsInput]: Float32Array.of(0), [boxesInput]: Float32Array.of(0) } };
}

const UPDATE: UpdateSettings = {
  learningRates: { weight: 1, bias: 1, norm: 1 },
  ...{ momentum: 0.9, weightDecay: 0, averageDecay: 0, clipNorm: 1 },
};

const batch = (): TrainingBatch => ({
  images: randomTensor([1, 3, 64, 64], 3) as Float32Array,
  boxes: Float32Array.of(1, 4, 8, 32, 64, -1, -1, -1, -1, -1),
});

/** The steps of a run of batches, asked for at once. */
async function run(count: number, seed: number) {
  const calls: Call[] = [], make = (size: number) => Promise.resolve(noting(size, calls));
  const trainer = new ElasticTrainer(net, await make(64), make, { subnets: 2, seed });
  const reports = await Promise.all(Array.from({ length: count }, () => trainer.step(batch(), UPDATE)));
  return { calls, reports, trainer };
}

const maskOf = ({ batch: { fed } }: Call, constant: string) => fed![maskInputs(net).get(constant)!];

Deno.test("a step trains the whole by labels, then the smallest and some of chance by what the whole says", async () => {
  const { calls, reports: [report] } = await run(1, 0), [first, smallest, ...some] = calls;
  assertEquals([calls.length, some.length], [4, 2]);
  assertEquals(first.batch.factors, { "distil logits": 0 });
  assertEquals([...first.batch.fed![logitsInput]], [0]);
  for (const { batch: { fed, factors, keepsStatistics } } of calls.slice(1)) {
    assertEquals([factors, keepsStatistics], [{ box: 0, classes: 0 }, true]);
    assertEquals([[...fed![logitsInput]], [...fed![boxesInput]]], [[1], [1]]);
  }
  for (const [call, point] of [[first, dearestPoint(net.space)], [smallest, cheapestPoint(net.space)]] as const) {
    for (const [constant, mask] of masksOf(net, point)) assertEquals(maskOf(call, constant), mask);
  }
  assert(
    some.some((call, i) =>
      some.some((other, j) =>
        i !== j && maskOf(call, "model.4.cv2.bn.weight").join() !== maskOf(other, "model.4.cv2.bn.weight").join() ||
        i !== j && maskOf(call, "model.7.bn.weight").join() !== maskOf(other, "model.7.bn.weight").join()
      )
    ),
  );
  // The parameters move once, behind the last gradient; labels are told of the whole, the rest in the mean.
  assertEquals(calls.map(({ update }) => update !== undefined), [false, false, false, true]);
  assertEquals([report.losses, report.gradientNorm], [{ box: 1, classes: 1, "distil logits": 3 }, 3]);
  assertEquals(report.values, undefined);
});

Deno.test("an update has one size, the state goes along, and statistics are those of the whole at its own size", async () => {
  const { calls, trainer } = await run(12, 5), sizes = calls.map(({ size }) => size);
  assertEquals([...new Set(sizes)].sort(), [32, 64]);
  for (let at = 0; at < calls.length; at += 4) {
    const step = calls.slice(at, at + 4);
    assertEquals(new Set(step.map(({ size }) => size)).size, 1);
    assertEquals(step[0].batch.keepsStatistics, step[0].size !== 64);
    assertEquals(step[0].batch.images.length, 3 * step[0].size ** 2);
    assertEquals(
      [...step[0].batch.boxes.slice(0, 6)],
      step[0].size === 64 ? [1, 4, 8, 32, 64, -1] : [1, 2, 4, 16, 32, -1],
    );
  }
  const { updates, arrays } = await trainer.state();
  assertEquals([updates, [...arrays.get("from")!]], [12, [sizes.at(-1)]]);
});

Deno.test("a run that goes on from a state draws what it would have drawn", async () => {
  const whole = await run(6, 2), calls: Call[] = [], make = (size: number) => Promise.resolve(noting(size, calls));
  const trainer = new ElasticTrainer(net, await make(64), make, { subnets: 2, seed: 2 });
  trainer.restore({ updates: 4, arrays: new Map() });
  for (let step = 0; step < 2; step++) await trainer.step(batch(), UPDATE);
  const told = (list: readonly Call[]) =>
    list.map((call) => [call.size, [...maskInputs(net).keys()].map((name) => maskOf(call, name).join("")).join("|")]);
  assertEquals(told(calls), told(whole.calls.slice(16)));
});

Deno.test("pictures shrink as the reference resizes them", () => {
  for (const [from, to] of [[64, 32], [13, 7], [9, 8]]) {
    const images = randomTensor([2, 3, from, from], 7), boxes = new Float32Array(0);
    const scale = to / from,
      attributes = {
        ...{
          mode: "linear",
          coordinates: "half_pixel",
          nearest: "floor",
          size: [to, to],
          scales: [scale, scale],
        } as const,
      };
    const [wanted] = evaluateNode({ op: "Resize", name: "r", inputs: ["x"], outputs: ["r"], attributes }, [
      referenceTensor([2, 3, from, from], images),
    ]);
    const made = shrunk({ images: Float32Array.from(images), boxes }, from, to).images;
    assertEquals(made.length, wanted.data.length);
    made.forEach((value, i) => assertAlmostEquals(value, wanted.data[i], 1e-6));
  }
});

Deno.test("options that do not go together are refused", () => {
  assertThrows(() => checkElastic({ subnets: 1 }), FeatherdetError, "--subnets is for elastic networks");
  assertThrows(() => checkElastic({ elastic: true, quantize: "int8" }), FeatherdetError, "--quantize and --elastic");
  assertThrows(() => checkElastic({ elastic: true, teacher: "bccd" }), FeatherdetError, "--teacher and --elastic");
  checkElastic({ elastic: [0.5, 1], elasticSizes: [32], subnets: 0 });
  assertThrows(() => elasticTrainer(net, { subnets: -1 }), FeatherdetError, "-1 sub-networks");
});
