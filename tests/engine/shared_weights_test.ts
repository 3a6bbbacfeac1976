/** A weight that many nodes read lies on the device once. */

import { Session } from "../../src/engine/session.ts";
import { planningFor, storageForm } from "../../src/engine/setup.ts";
import { deviceWeightBytes } from "../../src/eval/device_weights.ts";
import { GraphEditor } from "../../src/graph/editor.ts";
import { assert, assertEquals } from "../support/assert.ts";
import { adoptDevice } from "../../src/gpu/device.ts";
import { buildPlan } from "../../src/plan/plan.ts";
import { gpuTest, testDevice } from "../support/gpu.ts";
import { randomTensor } from "../support/random.ts";

const CHANNELS = 24, TIMES = 6, SHAPE = [1, CHANNELS, 5, 13], WEIGHT = [CHANNELS, CHANNELS, 3, 3];

/** A chain of convolutions that read one weight, equal ones, or each its own. */
function chain(kind: "one" | "equal" | "own") {
  const editor = new GraphEditor();
  let x = editor.input("x", SHAPE);
  const weight = (at: number) => editor.constant(`w${at}`, WEIGHT, randomTensor(WEIGHT, kind === "own" ? at : 0));
  const shared = kind === "one" ? weight(0) : undefined;
  for (let at = 0; at < TIMES; at++) {
    x = editor.one("Conv", "conv", [x, shared ?? weight(at)], {
      ...{ strides: [1, 1], pads: [1, 1, 1, 1], dilations: [1, 1], groups: 1 } as const,
    });
  }
  return editor.finish({ outputs: [x] });
}

gpuTest("a weight that many nodes read is uploaded once, and so are equal ones", async () => {
  const device = await adoptDevice(await testDevice());
  for (const storage of ["texture", "buffer"] as const) {
    const planning = planningFor(device, storageForm(device, { storage }));
    const bytes: number[] = [], counted: number[] = [];
    for (const kind of ["one", "equal", "own"] as const) {
      const session = await Session.create(chain(kind), { device: await testDevice(), storage });
      bytes.push(session.bytes);
      counted.push(deviceWeightBytes(buildPlan(chain(kind), planning)));
      session.destroy();
    }
    // What is counted of a plan is what the device holds.
    assertEquals(counted.map((each) => counted[2] - each), bytes.map((each) => bytes[2] - each));
    const [one, equal, own] = bytes, size = 4 * WEIGHT.reduce((product, extent) => product * extent, 1);
    assertEquals(one, equal);
    assert(own - one >= (TIMES - 1) * size, `${storage}: ${own} bytes with weights of their own, ${one} with one`);
  }
});
