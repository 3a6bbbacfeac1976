/** The variant with a teacher: what is trained of the joint graph, who is refused, and that an equal teacher moves nothing. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { DISTIL_LOSS_NAMES } from "../../src/compress/distill/mod.ts";
import { FeatherdetError, type Graph, inferTypes, verify } from "../../src/graph/mod.ts";
import { ModelBuilder } from "../../src/models/builder.ts";
import { classifier } from "../../src/models/classifier.ts";
import { detectHead } from "../../src/models/heads/yolo11.ts";
import { yolo11 } from "../../src/models/yolo11.ts";
import { yolo11Lite } from "../../src/models/yolo11_lite.ts";
import { changeShapes, foldBatchNormalization } from "../../src/passes/mod.ts";
import { detectorProblem } from "../../src/recipes/detector_problem.ts";
import { referenceTensor, runReference } from "../../src/reference/run.ts";
import {
  buildGradientGraph,
  combineVariants,
  distilled,
  type DistilledOptions,
  groupLasso,
  trainableGraph,
  type TrainingVariant,
} from "../../src/train/mod.ts";
import { lively } from "../support/lively.ts";
import { noisyPicture } from "../support/noise.ts";

const ALL: DistilledOptions = { losses: DISTIL_LOSS_NAMES.map((loss) => ({ loss })) };
const CLASSES = ["a", "b", "c"];
const tiny = (width = 0.0625, more: Parameters<typeof yolo11>[0] = {}): Graph =>
  lively(yolo11({ width, depth: 0.3, size: 64, classes: CLASSES, ...more }), 3);

const names = (list: readonly { readonly name: string }[]) => list.map(({ name }) => name).sort();

/** Losses of a step on one picture, and gradients by parameter, in float64. */
function step(model: Graph, teacher: Graph, options: DistilledOptions) {
  const { problem, images } = detectorProblem(model, {
    boxes: 1,
    labels: false,
    variant: distilled(teacher, options),
  });
  const losses = problem.losses!;
  const differentiated = losses.filter(({ gradientScale }) => gradientScale === undefined);
  const wrt = problem.parameters.map(({ name }) => name);
  const outputs = losses.map(({ value }) => value);
  const made = buildGradientGraph({ ...problem.graph, outputs }, {
    losses: differentiated.map(({ value }) => value),
    seeds: problem.seeds,
    wrt,
  });
  verify(made.graph);
  const [{ shape }] = model.inputs;
  const values = runReference(made.graph, {
    [images]: referenceTensor(shape, noisyPicture(shape)),
    ...Object.fromEntries(
      [...problem.parameters, ...problem.statistics].map(({ name, initial }) => [
        name,
        referenceTensor(initial.shape, initial.data),
      ]),
    ),
    ...Object.fromEntries(
      losses.flatMap(({ gradientScale }) => gradientScale ? [[gradientScale, referenceTensor([1], [1])]] : []),
    ),
  });
  return {
    losses: new Map(losses.map(({ name, value }) => [name, values.get(value)!.data[0]])),
    gradients: new Map([...made.gradients].map(([name, gradient]) => [name, values.get(gradient)!.data])),
  };
}

Deno.test("of student, teacher and projectors the student is trained, and the projectors where channels differ", () => {
  const student = tiny(), alone = detectorProblem(student, { boxes: 1 }).problem;
  const of = (teacher: Graph, options: DistilledOptions) =>
    detectorProblem(student, { boxes: 1, variant: distilled(teacher, options) }).problem;
  const wide = of(tiny(0.125), ALL);
  const projectors = [0, 1, 2].flatMap((level) =>
    ["bias", "weight"].map((part) => `distil/projector_${level}.${part}`)
  );
  assertEquals(names(wide.parameters), [...names(alone.parameters), ...projectors].sort());
  assertEquals(names(wide.statistics), names(alone.statistics));
  const labels = ["box", "classes", "distribution"];
  assertEquals(wide.losses!.map(({ name }) => name), [...labels, ...DISTIL_LOSS_NAMES.map((loss) => `distil ${loss}`)]);
  assertEquals(names(of(tiny(0.0625, { seed: 9 }), ALL).parameters), names(alone.parameters));
  assertEquals(names(of(tiny(0.125), { losses: [{ loss: "dfl" }] }).parameters), names(alone.parameters));
});

Deno.test("a teacher that computes what the student computes makes no loss and moves nothing", () => {
  // Without BatchNormalization, by which a student in training differs from itself.
  const model = foldBatchNormalization(tiny());
  const { losses, gradients } = step(model, model, ALL);
  assertEquals(losses.size, DISTIL_LOSS_NAMES.length);
  for (const [name, loss] of losses) assert(Math.abs(loss) < 1e-6, `${name} is ${loss}`);
  assert(gradients.size > 50);
  for (const [name, gradient] of gradients) {
    assert(gradient.every((one) => Math.abs(one) < 1e-6), `${name} has a gradient of ${Math.max(...gradient)}`);
  }
  const other = step(model, foldBatchNormalization(tiny(0.0625, { seed: 5 })), ALL);
  for (const [name, loss] of other.losses) assert(loss > 1e-3, `${name} is ${loss}`);
  assert([...other.gradients.values()].every((gradient) => gradient.some((one) => Math.abs(one) > 1e-6)));
});

Deno.test("teachers of other families, widths and input sizes stand beside a student of any batch", () => {
  const student = changeShapes(tiny(), { images: [3, 3, 64, 64] });
  const teachers: [Graph, DistilledOptions][] = [
    [lively(yolo11Lite({ backbone: "shufflenetv2-0.5x", size: 64, classes: CLASSES }), 2), ALL],
    [tiny(0.125, { size: 96 }), { losses: ALL.losses.filter(({ loss }) => loss !== "dfl") }],
    [tiny(0.125, { size: [64, 96] }), { losses: [{ loss: "box" }, { loss: "l2" }] }],
  ];
  for (const [teacher, options] of teachers) {
    const variant = distilled(teacher, options);
    const made = variant.trainable(trainableGraph(student));
    const { graph, losses } = variant.losses(made);
    verify(graph);
    const types = inferTypes(graph);
    for (const { value, gradientFactor } of losses) {
      assertEquals([types.get(value)!.shape.length, gradientFactor], [0, 3], "a sum over pictures, as that of labels");
    }
    const teacherOnly = [...made.frozen].filter((name) => student.constants.has(name));
    assertEquals(teacherOnly, []);
  }
});

Deno.test("maps can be named, with a projector of their own", () => {
  const student = tiny(), teacher = tiny(0.125);
  const options: DistilledOptions = {
    losses: [{ loss: "pkd" }, { loss: "l2" }],
    features: [["model.4.cv2.act", "model.4.cv2.act"], ["model.9.cv2.act", "model.13.cv2.act"]],
  };
  const { losses } = step(student, teacher, options);
  for (const [name, loss] of losses) assert(loss > 0 && Number.isFinite(loss), `${name} is ${loss}`);
  const { settings } = distilled(teacher, options);
  assertEquals((settings.distil as { features: unknown }).features, options.features);
});

Deno.test("other variants see the student alone: group lasso draws the same channels with a teacher", () => {
  const student = tiny(), lasso = groupLasso({ weight: 1 });
  const nodes = (variant: TrainingVariant) =>
    variant.losses(variant.trainable(trainableGraph(student))).graph.nodes
      .filter(({ name }) => name.startsWith("loss/groupLasso"));
  const teacher = distilled(tiny(0.125), { losses: [{ loss: "cwd" }] });
  assertEquals(nodes(combineVariants([lasso, teacher])), nodes(lasso));
});

/** A detector whose head has the two coarser levels alone. */
function coarse(): Graph {
  const b = new ModelBuilder({ seed: 4 }), maps: string[] = [];
  for (let i = 0; i < 5; i++) {
    const x = maps.at(-1) ?? b.input("images", [1, 3, 64, 64]);
    maps.push(b.convBlock(`conv${i}`, x, { out: 16, kernel: 3, stride: 2 }));
  }
  return b.graph("coarse", [detectHead(b, "head", maps.slice(3), { classes: 3, size: [64, 64] })]);
}

/** A detector of grey pictures. */
function grey(): Graph {
  const graph = tiny(), name = "model.0.conv.weight", { dtype, shape } = graph.constants.get(name)!;
  const weight = { dtype, shape: [shape[0], 1, 3, 3], data: new Float32Array(9 * shape[0]).fill(0.1) };
  const inputs = graph.inputs.map((input) => ({ ...input, shape: [1, 1, 64, 64] }));
  return { ...graph, inputs, constants: new Map([...graph.constants, [name, weight]]) };
}

Deno.test("who cannot teach is refused in a sentence", () => {
  const student = tiny();
  const refuses = (teacher: Graph, says: string, options: DistilledOptions = ALL, pupil = student) =>
    assertThrows(
      () => {
        const variant = distilled(teacher, options);
        return variant.losses(variant.trainable(trainableGraph(pupil)));
      },
      FeatherdetError,
      says,
    );
  refuses(
    classifier({ backbone: "shufflenetv2-0.5x", size: 64, classes: 3 }),
    "has no head of a YOLO11 to learn from or to teach",
  );
  refuses(tiny(0.125, { classes: 4 }), 'teaches 4 classes, the student "yolo11n" knows 3');
  refuses(tiny(0.125, { classes: ["a", "x", "c"] }), 'teaches "x" as class 1, which is "b" for the student');
  for (const apart of [false, true]) {
    refuses(grey(), "reads [1,1,64,64], the student's pictures are [1,3,64,64]", { ...ALL, apart });
    refuses(coarse(), '2 maps enter its head, 3 that of the student "yolo11n": name the maps', { ...ALL, apart });
    const heads = { losses: [{ loss: "logits" }], apart } as const;
    refuses(coarse(), "the student's head has 3 levels, the teacher's 2", heads);
  }
  const losses = [{ loss: "cwd" }] as const;
  refuses(tiny(), 'the student has no value "nothing"', { losses, features: [["nothing", "model.4.cv2.act"]] });
  refuses(tiny(), 'the teacher has no value "nothing"', { losses, features: [["model.4.cv2.act", "nothing"]] });
  refuses(tiny(), "only maps [N,C,h,w] can be compared", { losses, features: [["output0", "output0"]] });
  const pair = ["model.4.cv2.act", "model.4.cv2.act"] as const;
  refuses(tiny(), "are to be compared twice", { losses, features: [pair, pair] });
  refuses(tiny(), "no loss compares maps", { losses: [{ loss: "box" }], features: [["a", "b"]] });
  refuses(tiny(0.125, { size: 96 }), "dfl compares bins at the same anchors");
  refuses(tiny(), "a teacher needs a loss to teach by", { losses: [] });
  refuses(tiny(), 'the loss "cwd" of distillation is stated twice', { losses: [...losses, ...losses] });
  refuses(tiny(), 'there is no loss "mgd" of distillation', { losses: [{ loss: "mgd" as never }] });
  refuses(tiny(), "has no temperature", { losses: [{ loss: "box", temperature: 2 }] });
  refuses(tiny(), 'the temperature of "cwd" is 0', { losses: [{ loss: "cwd", temperature: 0 }] });
});

Deno.test("settings hold the teacher's name, hash and size, and the losses", () => {
  const [first, second] = [5, 6].map((seed) =>
    distilled(tiny(0.125, { seed }), ALL).settings.distil as {
      readonly teacher: { readonly name: string; readonly hash: string; readonly size: readonly number[] };
    }
  );
  assertEquals([first.teacher.name, first.teacher.size], ["yolo11n", [64, 64]]);
  assert(/^[0-9a-f]{64}$/.test(first.teacher.hash) && first.teacher.hash !== second.teacher.hash);
});
