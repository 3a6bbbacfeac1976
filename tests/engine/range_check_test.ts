/** Models whose numbers halves do not hold are refused at their first run in f16, by the node that makes them. */

import { assertEquals, assertRejects } from "@std/assert";
import { syntheticPicture } from "../../src/data/synthetic.ts";
import { Detector } from "../../src/detect/detector.ts";
import { Session, type SessionOptions } from "../../src/engine/session.ts";
import { FeatherdetError, type Graph, GraphEditor } from "../../src/graph/mod.ts";
import { demoDetector } from "../../src/models/demo_detector.ts";
import { gpuTest, testDevice } from "../support/gpu.ts";

const X = { shape: [1, 5, 13, 7], data: new Float32Array(5 * 13 * 7).fill(-1) };

/** x times a number, spread over channels in between, and made small again. */
function scaled(by: number, back: number): Graph {
  const editor = new GraphEditor();
  const conv = { strides: [1, 1], pads: [0, 0, 0, 0], dilations: [1, 1], groups: 1 } as const;
  // Of several levels in each row, so that they are stored as floats.
  const weight = (name: string, value: number) =>
    editor.constant(
      name,
      [5, 5, 1, 1],
      Float32Array.from({ length: 25 }, (_, i) => i % 6 === 0 ? value : value * 1e-5 * (i % 3 - 1)),
    );
  const large = editor.node("Conv", "large", [editor.input("x", X.shape), weight("by", by)], conv);
  const small = editor.node("Conv", "small", [large, weight("back", back)], conv);
  return editor.finish({ name: "test", outputs: [editor.node("Sigmoid", "y", [small], {})] });
}

const message = async (graph: Graph, options: SessionOptions) => {
  const error = await assertRejects(async () => {
    const session = await Session.create(graph, options);
    try {
      await session.run({ x: X });
    } finally {
      session.destroy();
    }
  }, FeatherdetError);
  return error.message;
};

gpuTest("a session in f16 names the node whose numbers halves do not hold, in every run", async () => {
  const device = await testDevice();
  for (const storage of ["texture", "buffer"] as const) {
    const options = { device, storage, precision: "f16" } as const;
    const refused = 'test: Conv "large": makes numbers beyond 65504, the greatest that f16 stores: use precision f32';
    const session = await Session.create(scaled(60_000, 1e-4), options);
    for (let run = 0; run < 2; run++) {
      const error = await assertRejects(() => session.run({ x: { ...X, data: X.data.map((value) => 2 * value) } }));
      assertEquals((error as Error).message, refused);
    }
    session.destroy();
    const within = await Session.create(scaled(30_000, 1e-4), options);
    const { y } = await within.run({ x: X });
    assertEquals(Math.abs(y.data[0] - 1 / (1 + Math.exp(3))) < 1e-3, true);
    within.destroy();
  }
});

gpuTest("weights that halves do not hold are refused when they are uploaded", async () => {
  const device = await testDevice();
  assertEquals(
    await message(scaled(70_000, 1e-4), { device, precision: "f16" }),
    'node "large": has weights beyond 65504, the greatest number that f16 stores: use precision f32',
  );
});

gpuTest("a detector looks at its first picture", async () => {
  const device = await testDevice();
  const { image } = syntheticPicture({ seed: 7, width: 96, height: 64 });
  const good = await Detector.load(demoDetector({ size: 64 }), { device, precision: "f16" });
  assertEquals((await good.detect([image, image])).length, 2);
  good.destroy();
  const graph = demoDetector({ size: 64 });
  const conv = graph.nodes.find(({ op }) => op === "Conv")!;
  const { data, ...rest } = graph.constants.get(conv.inputs[1])!;
  const most = (data as Float32Array).reduce((found, value) => Math.max(found, Math.abs(value)), 0);
  const loud = { ...rest, data: (data as Float32Array).map((value) => value * 60_000 / most) };
  const bad = await Detector.load({ ...graph, constants: new Map([...graph.constants, [conv.inputs[1], loud]]) }, {
    device,
    precision: "f16",
  });
  for (let picture = 0; picture < 2; picture++) {
    const error = await assertRejects(() => bad.detect(image), FeatherdetError);
    assertEquals(error.message.includes("makes numbers beyond 65504"), true, error.message);
  }
  bad.destroy();
});
