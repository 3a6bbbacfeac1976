/** Models whose numbers halves do not hold are kept in f32 where f16 was asked for, and the node that makes them is named. */

import { assert, assertEquals } from "@std/assert";
import { syntheticPicture } from "../../src/data/synthetic.ts";
import { Detector } from "../../src/detect/detector.ts";
import { liveResources } from "../../src/gpu/memory.ts";
import { Session } from "../../src/engine/session.ts";
import { type Graph, GraphEditor } from "../../src/graph/mod.ts";
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

gpuTest(
  "a session in f16 whose first run makes numbers that halves do not hold goes on in f32, and says which node",
  async () => {
    const device = await testDevice();
    for (const storage of ["texture", "buffer"] as const) {
      const told: string[] = [];
      const options = { device, storage, precision: "f16", onWarning: (line: string) => void told.push(line) } as const;
      const before = liveResources();
      const session = await Session.create(scaled(60_000, 1e-4), options);
      assertEquals(session.warnings, []);
      const twice = { x: { ...X, data: X.data.map((value) => 2 * value) } };
      // Both begin before the check is done, and what is handed in may change then.
      const running = [session.run(twice), session.run({ x: X })];
      twice.x.data.fill(0);
      const [first, second] = await Promise.all(running);
      // -2 times 60,000 is cut at 65,504 in halves: 1 / (1 + e^6.55) instead of 1 / (1 + e^12).
      assert(Math.abs(first.y.data[0] - 1 / (1 + Math.exp(12))) < 1e-6, `${first.y.data[0]}`);
      assert(Math.abs(second.y.data[0] - 1 / (1 + Math.exp(6))) < 1e-5, `${second.y.data[0]}`);
      assertEquals(session.warnings, [
        'test: Conv "large": makes numbers beyond 65504, the greatest that f16 stores: the model is kept in f32',
      ]);
      assertEquals(told, session.warnings);
      assertEquals(session.plan.form.scalar, "f32");
      session.destroy();
      assertEquals(liveResources(), before);
      const within = await Session.create(scaled(30_000, 1e-4), options);
      const { y } = await within.run({ x: X });
      assert(Math.abs(y.data[0] - 1 / (1 + Math.exp(3))) < 1e-3);
      assertEquals([within.plan.form.scalar, within.warnings.length], ["f16", 0]);
      within.destroy();
    }
  },
);

gpuTest("a model with weights that halves do not hold is kept in f32", async () => {
  const device = await testDevice();
  for (const sign of [1, -1]) {
    const graph = scaled(sign * 70_000, sign * 1e-4);
    const session = await Session.create(graph, { device, precision: "f16", onWarning: () => {} });
    assertEquals(session.warnings, [
      'node "large": has weights beyond 65504, the greatest number that f16 stores: the model is kept in f32',
    ]);
    const { y } = await session.run({ x: X });
    assert(Math.abs(y.data[0] - 1 / (1 + Math.exp(7))) < 1e-5, `${y.data[0]}`);
    session.destroy();
  }
});

gpuTest("a detector looks at its first picture, which kernels that compile quickly run, too", async (_, step) => {
  const device = await testDevice();
  const { image } = syntheticPicture({ seed: 7, width: 96, height: 64 });
  const graph = demoDetector({ size: 64 });
  await step("numbers that halves hold", async () => {
    const good = await Detector.load(graph, { device, precision: "f16", start: "light" });
    assertEquals((await good.detect([image, image])).length, 2);
    assertEquals([good.plan.form.scalar, good.warnings.length], ["f16", 0]);
    good.destroy();
  });
  const conv = graph.nodes.find(({ op }) => op === "Conv")!;
  const { data, ...rest } = graph.constants.get(conv.inputs[1])!;
  const most = (data as Float32Array).reduce((found, value) => Math.max(found, Math.abs(value)), 0);
  const loud = (greatest: number) => {
    const weights = { ...rest, data: (data as Float32Array).map((value) => value * greatest / most) };
    return { ...graph, constants: new Map([...graph.constants, [conv.inputs[1], weights]]) };
  };
  for (const [greatest, what] of [[60_000, "makes numbers"], [70_000, "has weights"]] as const) {
    await step(`${what} that halves do not hold`, async () => {
      const before = liveResources();
      const half = await Detector.load(loud(greatest), {
        device,
        precision: "f16",
        start: "light",
        onWarning: () => {},
      });
      // As the one that went over to f32.
      const float = await Detector.load(loud(greatest), { device, start: "full" });
      const expected = await float.detect([image, image]);
      assertEquals(await half.detect([image, image]), expected);
      await half.ready();
      assertEquals(await half.detect([image, image]), expected);
      assertEquals(half.warnings.map((warning) => warning.includes(`${what} beyond 65504`)), [true]);
      assertEquals(half.plan.form.scalar, "f32");
      half.destroy();
      float.destroy();
      assertEquals(liveResources(), before);
    });
  }
});
