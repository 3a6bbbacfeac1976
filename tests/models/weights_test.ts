/** Weights in and out of built models. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { type Constant, FeatherdetError, type Graph, type Node } from "../../src/graph/mod.ts";
import { recogniseActivations } from "../../src/passes/mod.ts";
import { layersOf } from "../../src/models/layers.ts";
import { recipeOf } from "../../src/models/metadata.ts";
import { loadWeights } from "../../src/models/weights.ts";
import { yolo11, type Yolo11Options } from "../../src/models/yolo11.ts";
import { importOnnx, loadOnnx, readClassNames, saveOnnx } from "../../src/onnx/mod.ts";
import { Session } from "../../src/engine/session.ts";
import { exported, renamed } from "../support/exported.ts";
import { lively } from "../support/lively.ts";
import { outputDifference } from "../support/output_tensor.ts";
import { assertSameConstant, assertSameConstants } from "../support/same_constants.ts";
import { sharedDataTest } from "../support/shared_data.ts";

const MODEL = "models/yolo11n.onnx";
const TINY: Yolo11Options = { width: 0.125, size: 64, classes: 3 };

const floats = async (url: URL) => new Float32Array((await Deno.readFile(url)).buffer);

/** Every layer's weight and bias by the layer's path. */
function weights(graph: Graph): Map<string, Constant> {
  return new Map(
    layersOf(graph).flatMap(({ path, weight, bias }) => {
      const names = bias === undefined ? [weight] : [weight, bias];
      return names.map((
        name,
        i,
      ): [string, Constant] => [`${path}.${["weight", "bias"][i]}`, graph.constants.get(name)!]);
    }),
  );
}

/** A source and a model of the same structure with other first values. */
const source = () => lively(yolo11({ ...TINY, seed: 5 }), 9);
const model = (options: Yolo11Options = {}) => yolo11({ ...TINY, seed: 6, ...options });

sharedDataTest(
  "the built yolo11n with the export's weights gives onnxruntime's output: 0.02 px, 1e-4",
  [MODEL, "reference/397133.images.f32", "reference/397133.output0.f32"],
  async (file, images, output0) => {
    const session = await Session.create(loadWeights(yolo11(), await loadOnnx(file)));
    try {
      const { output0: found } = await session.run({ images: { shape: [1, 3, 640, 640], data: await floats(images) } });
      const { box, score } = outputDifference(found.data as Float32Array, await floats(output0), found.shape);
      assert(box <= 0.02, `boxes differ by ${box} px`);
      assert(score <= 1e-4, `scores differ by ${score}`);
    } finally {
      session.destroy();
    }
  },
);

sharedDataTest("the export's weights come back bit for bit from the built yolo11n", [MODEL], async (file) => {
  const given = await loadOnnx(file);
  const loaded = loadWeights(yolo11({ size: 64 }), given);
  assertSameConstants(weights(exported(loaded)), weights(given));
  assertEquals(readClassNames(loaded), readClassNames(given));
  assertEquals(loaded.metadata.license, given.metadata.license);
  assertEquals([loaded.metadata.imgsz, recipeOf(loaded)?.family], ["[64, 64]", "yolo11"]);
});

Deno.test("folded weights become BatchNormalization that folds back to them bit for bit", () => {
  const folded = exported(source());
  const loaded = loadWeights(model(), folded);
  assertEquals(loaded.nodes, model().nodes);
  assertSameConstants(weights(exported(loaded)), weights(folded));
  // Weights of all sizes and mantissas, up to the largest and down to the denormal.
  const constants = new Map([...folded.constants].map(([name, { shape, data }]) => {
    const bits = Uint32Array.from(data, (_, i) => (i * 2654435761) % 0x7f000000);
    return [name, { dtype: "f32", shape, data: new Float32Array(bits.buffer) } as const];
  }));
  const extreme = { ...folded, constants };
  assertSameConstants(weights(exported(loadWeights(model(), extreme))), weights(extreme));
});

Deno.test("layers are paired by place where an export has lost their names and order", () => {
  const folded = exported(source());
  const numbers = new Map([...folded.constants.keys()].map((name, i) => [name, `onnx::Conv_${(i * 37) % 1009}`]));
  const anonymous = renamed(folded, (name) => numbers.get(name)!);
  const loaded = loadWeights(model(), anonymous);
  assertSameConstants(weights(exported(loaded)), weights(folded));
});

Deno.test("a model saved and read again is the same model bit for bit, with all that training needs", () => {
  const saved = lively(yolo11({ ...TINY, classes: ["red cell", "it's", "c"], seed: 5 }));
  const read = importOnnx(saveOnnx(saved));
  const { constants, ...rest } = recogniseActivations(read);
  const { constants: expected, ...structure } = saved;
  assertEquals(rest, structure);
  assertSameConstants(constants, expected);
  assertEquals(readClassNames(read), ["red cell", "it's", "c"]);
  const shared = { classes: 3, size: [64, 64], batch: 1, seed: 5 };
  assertEquals(recipeOf(read), { family: "yolo11", scale: "n", depth: 0.5, width: 0.125, ...shared });
  // And its weights go into a model built afresh.
  const loaded = loadWeights(model(), read);
  assertSameConstants(loaded.constants, saved.constants);
  assertEquals(loaded.nodes, saved.nodes);
});

Deno.test("statistics come with their epsilon", () => {
  const given = source();
  const nodes = given.nodes.map((node): Node =>
    node.op === "BatchNormalization" ? { ...node, attributes: { epsilon: 0.25 } } : node
  );
  const loaded = loadWeights(model(), { ...given, nodes });
  assertEquals(loaded.nodes, nodes);
});

Deno.test("weights that do not fit are refused with the layer and both shapes", () => {
  const refused = (built: Graph, given: Graph, says: RegExp) => {
    const { message } = assertThrows(() => loadWeights(built, given), FeatherdetError);
    assert(says.test(message), message);
  };
  refused(
    model({ width: 0.25 }),
    source(),
    /^Conv "model\.0\.conv": weights of "yolo11n" do not fit "yolo11n": weight is \[16,3,3,3\] in the model and \[8,3,3,3\] \("model\.0\.conv\.weight"\)/,
  );
  refused(
    model({ classes: 2 }),
    source(),
    /^Conv "model\.23\.cv3\.0\.2": .* weight is \[2,32,1,1\] .* \[3,32,1,1\] .*\(for other classes, ask for newClasses\)$/,
  );
  refused(
    model({ depth: 2 }),
    source(),
    /^Conv "model\.2\.m\.1\.cv1\.conv": .* they have no such layer \(for added layers, ask for newLayers\)$/,
  );
  refused(model(), yolo11({ ...TINY, depth: 2 }), /^Conv "model\.2\.m\.1\.cv1\.conv": .* the model has no such layer$/);
  const folded = exported(source());
  refused(folded, source(), /the weights have a BatchNormalization after it and the model has none$/);
  refused(
    model({ depth: 2 }),
    renamed(folded, (name) => `x${name}`),
    /they have \d+ layers, none by a name of the model's \d+$/,
  );
});

Deno.test("for new classes the logits start afresh and everything else is taken", () => {
  const given = { ...source(), metadata: { ...source().metadata, license: "somebody's" } };
  const fresh = model({ classes: ["x", "y", "z"] });
  const loaded = loadWeights(fresh, given, { newClasses: true });
  assertEquals(readClassNames(loaded), ["x", "y", "z"]);
  assertEquals(loaded.metadata.license, "somebody's");
  for (const [name, constant] of loaded.constants) {
    const isFresh = /^model\.23\.cv3\.\d\.2\./.test(name);
    assertSameConstant(constant, (isFresh ? fresh : given).constants.get(name)!, name);
  }
});

Deno.test("for another number of classes, layers of the class branch that it makes wider start afresh too", () => {
  const fresh = model({ classes: 60 });
  const loaded = loadWeights(fresh, exported(source()), { newClasses: true });
  const given = weights(exported(source())), found = weights(exported(loaded)), first = weights(exported(fresh));
  for (const [name, constant] of found) {
    // Only the first depthwise convolution of a class branch does not know how many classes there are.
    const isFresh = /^model\.23\.cv3\.\d\.(0\.1|1\.0|1\.1|2)\b/.test(name);
    assertSameConstant(constant, (isFresh ? first : given).get(name)!, name);
  }
});

Deno.test("new classes need class branches", () => {
  const graph = model();
  const [box] = graph.nodes.at(-1)!.inputs;
  const boxes = { ...graph, outputs: [box] };
  assertThrows(() => loadWeights(boxes, source(), { newClasses: true }), FeatherdetError, "has no class branches");
});
