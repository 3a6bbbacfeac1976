/** Sub-networks as masks: what they say and learn is what the plain graphs that are taken out say and learn, in float64. */

import { assert, assertEquals } from "@std/assert";
import { cutsOf, type ElasticNet, elasticNet, maskShapes, masksOf, subnetOf } from "../../src/compress/elastic/mod.ts";
import { distilPlaces } from "../../src/compress/distill/mod.ts";
import { dearestPoint, type Point, randomPoint } from "../../src/compress/search/space.ts";
import { type Graph, GraphIndex, sizeOf, verify } from "../../src/graph/mod.ts";
import { yolo11 } from "../../src/models/yolo11.ts";
import { Random } from "../../src/numbers/random.ts";
import { detectorProblem } from "../../src/recipes/detector_problem.ts";
import { referenceTensor, runReference } from "../../src/reference/run.ts";
import {
  buildGradientGraph,
  distilled,
  elastic,
  inPlaceValues,
  maskInputs,
  type TrainingVariant,
} from "../../src/train/mod.ts";
import { lively } from "../support/lively.ts";
import { noisyPicture } from "../support/noise.ts";

const LOSSES = [{ loss: "logits" }, { loss: "dfl" }] as const;

const made = (batch = 1) => lively(yolo11({ width: 0.0625, size: 32, classes: ["a", "b"], batch }), 5);

const net: ElasticNet = elasticNet(made(), { widths: [0.5, 1] });

type Fed = Readonly<Record<string, Float32Array>>;

/** Losses, gradients by parameter, and what the network says, of a step on two pictures. */
function step(model: Graph, variant: TrainingVariant, fed: Fed) {
  const { problem, images } = detectorProblem(model, { boxes: 1, labels: false, variant });
  const losses = problem.losses!,
    wrt = problem.parameters.map(({ name }) => name),
    { logits, distributions } = distilPlaces(model);
  const outputs = [...losses.map(({ value }) => value), logits, distributions];
  const joint = buildGradientGraph({ ...problem.graph, outputs }, { losses: [], seeds: problem.seeds, wrt });
  verify(joint.graph);
  const index = GraphIndex.of(joint.graph), [{ shape }] = model.inputs;
  const tensor = (name: string, data: Float32Array) => [name, referenceTensor(index.shapeOf(name), data)] as const;
  const values = runReference(joint.graph, {
    [images]: referenceTensor(shape, noisyPicture(shape)),
    ...Object.fromEntries([
      ...[...problem.parameters, ...problem.statistics].map(({ name, initial }) =>
        tensor(name, initial.data as Float32Array)
      ),
      ...losses.map(({ gradientScale }) => tensor(gradientScale!, Float32Array.of(1))),
      ...Object.entries(fed).map(([name, data]) => tensor(name, data)),
    ]),
  });
  return {
    losses: losses.map(({ value }) => values.get(value)!.data[0]),
    said: [logits, distributions].map((name) => values.get(name)!.data),
    gradients: new Map([...joint.gradients].map(([name, gradient]) => [name, values.get(gradient)!.data])),
  };
}

/** Numbers that a teacher might say, of as many elements as it says. */
function teacherSays(model: Graph): Fed {
  const random = new Random(9), index = GraphIndex.of(model);
  return Object.fromEntries(
    inPlaceValues(net).map(([value, input]) => [
      input,
      Float32Array.from({ length: sizeOf(index.shapeOf(value)) }, () => random.normal()),
    ]),
  );
}

const masksFed = (point: Point): Fed => {
  const inputs = maskInputs(net);
  return Object.fromEntries([...masksOf(net, point)].map(([name, mask]) => [inputs.get(name)!, mask]));
};

/** For every constant of the sub-network the places of its elements in the whole one: they are taken out of a network of numbers. */
function placesIn(point: Point): ReadonlyMap<string, ArrayLike<number>> {
  const numbered = new Map([...net.graph.constants].map(([name, constant]) => {
    return [
      name,
      constant.dtype === "f32" ? { ...constant, data: constant.data.map((_, i) => i) as Float32Array } : constant,
    ];
  }));
  const { constants } = subnetOf(net, point, { ...net.graph, constants: numbered });
  return new Map([...constants].map(([name, { data }]) => [name, data]));
}

function close(a: ArrayLike<number>, b: ArrayLike<number>, what: string) {
  assertEquals(a.length, b.length, what);
  let most = 0, scale = 1e-6;
  for (let i = 0; i < a.length; i++) {
    most = Math.max(most, Math.abs(a[i] - b[i]));
    scale = Math.max(scale, Math.abs(a[i]), Math.abs(b[i]));
  }
  assert(most <= 1e-9 * scale, `${what}: ${most} apart of ${scale}`);
}

const BATCH = 2, whole = made(BATCH), says = teacherSays(whole);

Deno.test("a masked step says, loses and learns what the plain sub-network does, and nothing reaches what is masked", () => {
  const random = new Random(4), variant = elastic(net, LOSSES);
  // Of every kind of cut some, and something left of everything.
  const points = [randomPoint(net.space, random)];
  const { groups, branches, kernels } = cutsOf(net, points[0]);
  assert(groups.length > 20 && branches.length > 2 && kernels.size > 2);
  for (const [at, point] of points.entries()) {
    const masked = step(whole, variant, { ...says, ...masksFed(point) });
    const sub = subnetOf(net, point, whole), places = placesIn(point);
    const plain = step(sub, distilled(sub, { losses: LOSSES, apart: true }), says);
    masked.said.forEach((data, i) => close(data, plain.said[i], `point ${at}: what it says, ${i}`));
    close(masked.losses, plain.losses, `point ${at}: losses`);
    assert(plain.losses.every((loss) => loss > 0.1), String(plain.losses));
    for (const [name, gradient] of masked.gradients) {
      const own = plain.gradients.get(name), left = [...gradient];
      if (own) {
        const from = Array.from(places.get(name)!);
        close(from.map((place) => gradient[place]), own, `point ${at}: gradient of ${name}`);
        for (const place of from) left[place] = 0;
      }
      assert(left.every((value) => value === 0), `point ${at}: a gradient reaches what is masked of ${name}`);
    }
  }
});

Deno.test("the whole network, told what it says itself, loses nothing and learns nothing", () => {
  const variant = elastic(net, LOSSES), masks = masksFed(dearestPoint(net.space));
  const first = step(whole, variant, { ...says, ...masks });
  const told = Object.fromEntries(
    inPlaceValues(net).map(([, input], i) => [input, first.said[i] as unknown as Float32Array]),
  );
  const { losses, gradients } = step(whole, variant, { ...told, ...masks });
  assert(losses.every((loss) => Math.abs(loss) < 1e-12), String(losses));
  for (const [name, gradient] of gradients) assert([...gradient].every((value) => Math.abs(value) < 1e-12), name);
});

Deno.test("constants behind masks are trained as what they are", () => {
  const { problem } = detectorProblem(whole, { boxes: 1, labels: false, variant: elastic(net) });
  const plain = detectorProblem(whole, { boxes: 1 }).problem;
  const groups = (list: typeof problem.parameters) => list.map(({ name, group }) => `${name} ${group}`).sort();
  assertEquals(groups(problem.parameters), groups(plain.parameters));
  assertEquals(problem.statistics.map(({ name }) => name).sort(), plain.statistics.map(({ name }) => name).sort());
  const inputs = new Set(problem.graph.inputs.map(({ name }) => name));
  assert([...maskInputs(net).values()].every((name) => inputs.has(name)));
  assertEquals(maskShapes(net).get("model.2.m.0.cv1.conv.weight"), [1, 1, 3, 3]);
});
