/** The file of a checkpoint: what comes back, and what is refused. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { FeatherdetError } from "../../../src/graph/error.ts";
import { type Checkpoint, readCheckpoint, writeCheckpoint } from "../../../src/train/loop/checkpoint.ts";
import { NEW_RUN } from "../../../src/train/loop/record.ts";
import { readTensors, writeTensors } from "../../../src/train/loop/safetensors.ts";
import { randomTensor } from "../../support/random.ts";

const CHECKPOINT: Checkpoint = {
  state: {
    updates: 41,
    arrays: new Map([
      ["parameters", Float32Array.from([0, -0, 1e-45, 3.4e38, -1.5, NaN, Infinity])],
      ["moments", randomTensor([127], 1)],
      ["none", new Float32Array(0)],
    ]),
  },
  run: {
    ...NEW_RUN,
    position: { epoch: 3, step: 5, updates: 42 },
    epochs: [{
      epoch: 0,
      losses: { box: 1 / 3, classes: 2 / 3, distribution: 0.1 },
      learningRates: { weight: 0.01, bias: 0.1, norm: 0.01 },
      imagesPerSecond: 12.5,
      seconds: 99,
      skipped: 0,
      score: { map: 0.25, map50: 0.5 },
    }],
    best: { epoch: 0, map: 0.25, map50: 0.5 },
  },
  settings: { model: 'a "name" with ümlauts \u{1f426}', epochs: 10, sha256: "0".repeat(64) },
  model: Uint8Array.from({ length: 13 }, (_, i) => i),
};

const CASES: readonly [string, Checkpoint][] = [["with a model", CHECKPOINT], ["without", {
  ...CHECKPOINT,
  model: undefined,
}]];

for (const [name, checkpoint] of CASES) {
  Deno.test(`a checkpoint comes back to the bit (${name})`, async () => {
    const bytes = await writeCheckpoint(checkpoint);
    const { model, ...found } = await readCheckpoint(bytes, "a.ckpt");
    const { model: expected, ...rest } = checkpoint;
    assertEquals([found, model], [rest, expected]);
    assertEquals(await writeCheckpoint(checkpoint), bytes);
    // Also from bytes that do not begin where their buffer does.
    const shifted = new Uint8Array(bytes.length + 3);
    shifted.set(bytes, 3);
    assertEquals((await readCheckpoint(shifted.subarray(3), "a.ckpt")).state, checkpoint.state);
  });
}

Deno.test("the layout is that of safetensors: length, header, arrays", async () => {
  const bytes = await writeCheckpoint(CHECKPOINT);
  const length = Number(new DataView(bytes.buffer).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length)));
  assertEquals(length % 8, 0);
  assertEquals(header.__metadata__.format, "featherdet checkpoint");
  assert(Object.values(header.__metadata__).every((value) => typeof value === "string"));
  assertEquals(header["state/parameters"], { dtype: "F32", shape: [7], data_offsets: [0, 28] });
  assertEquals(header["model.onnx"], { dtype: "U8", shape: [13], data_offsets: [28 + 508, 28 + 508 + 13] });
  assertEquals(bytes.length, 8 + length + 28 + 508 + 13);
  assertEquals(new DataView(bytes.buffer).getFloat32(8 + length + 16, true), -1.5);
});

Deno.test("a file that is cut anywhere is refused in one sentence", async () => {
  const bytes = await writeCheckpoint(CHECKPOINT);
  for (const length of [0, 1, 7, 8, 9, 100, 700, bytes.length - 14, bytes.length - 1]) {
    const error = await assertRejects(
      () => readCheckpoint(bytes.slice(0, length), "last.ckpt"),
      FeatherdetError,
      length < 10 ? "last.ckpt: is no file of arrays" : "last.ckpt: is cut short",
    );
    assert(!error.message.includes("\n"), error.message);
  }
});

Deno.test("a file with one other bit is refused", async () => {
  const bytes = await writeCheckpoint(CHECKPOINT);
  const length = Number(new DataView(bytes.buffer).getBigUint64(0, true));
  const text = new TextDecoder().decode(bytes.subarray(8, 8 + length));
  const places = [
    8 + text.indexOf('"updates":"41"') + 11,
    8 + text.indexOf('"sha256":"') + 12,
    8 + length + 2,
    bytes.length - 1,
  ];
  for (const place of places) {
    const changed = bytes.slice();
    changed[place] ^= 1;
    await assertRejects(() => readCheckpoint(changed, "last.ckpt"), FeatherdetError, "last.ckpt: is damaged");
  }
  const longer = new Uint8Array(bytes.length + 1);
  longer.set(bytes);
  await assertRejects(() => readCheckpoint(longer, "last.ckpt"), FeatherdetError, "last.ckpt: is damaged");
});

Deno.test("files of other kinds are told apart", async () => {
  const refused = (bytes: Uint8Array, text: string) =>
    assertRejects(() => readCheckpoint(bytes, "x"), FeatherdetError, text);
  const text = (content: string) => new TextEncoder().encode(content);
  await refused(text("only text, and enough of it"), "x: is no file of arrays");
  await refused(text('{"epoch": 3, "loss": 0.1, "more": "of it"}'), "x: is no file of arrays");
  await refused(new Uint8Array(100), "x: is no file of arrays");
  const other = await writeTensors({ metadata: { format: "pt" }, arrays: new Map([["w", new Float32Array(3)]]) });
  await refused(other, "x: holds arrays, but is no checkpoint");
  const later = await writeTensors({
    metadata: { format: "featherdet checkpoint", version: "7", updates: "0", run: "{}", settings: "{}" },
    arrays: new Map(),
  });
  await refused(later, "x: is a checkpoint of version 7, this program reads 1");
  const run = JSON.stringify(NEW_RUN);
  const whole = { format: "featherdet checkpoint", version: "1", updates: "0", run, settings: "{}" };
  for (const [name, value] of [["run", "{"], ["settings", ""], ["updates", "many"]]) {
    const broken = await writeTensors({ metadata: { ...whole, [name]: value }, arrays: new Map() });
    await refused(broken, `x: is a damaged checkpoint: its "${name}" cannot be read`);
  }
  // Whole and signed, and not what a run remembers; JSON reads 1e999 as Infinity.
  const wrong: [name: keyof typeof whole, value: string, says: string][] = [
    ["updates", "-1", "expected a whole number from 0"],
    ["updates", "1e999", "expected a whole number from 0"],
    ["run", "null", "expected an object"],
    ["run", run.replace('"step":0', '"step":0.5'), "position.step: expected a whole number from 0"],
    ["run", run.replace(/"seconds":0}$/, '"seconds":1e999}'), "seconds: expected a finite number"],
    ["run", run.replace('"epochs":[]', '"epochs":[{"epoch":0}]'), "epochs.0.losses: is missing"],
    ["settings", '{"a":{"b":[1,-1e999]}}', "holds a number that is not finite"],
  ];
  for (const [name, value, says] of wrong) {
    const bytes = await writeTensors({ metadata: { ...whole, [name]: value }, arrays: new Map() });
    await refused(bytes, `x: is a damaged checkpoint: its "${name}" is wrong, ${says}`);
  }
});

Deno.test("arrays of other types and sizes are named", async () => {
  const header = '{"w":{"dtype":"F64","shape":[2],"data_offsets":[0,4]}}';
  const bytes = new Uint8Array(8 + header.length + 4);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(header.length), true);
  bytes.set(new TextEncoder().encode(header), 8);
  await assertRejects(
    () => readTensors(bytes, "x"),
    FeatherdetError,
    'x: array "w" is F64 [2], expected F32, F16 or U8',
  );
});
