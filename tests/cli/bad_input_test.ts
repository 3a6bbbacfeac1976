/** What people get wrong and what fails, from end to end: one sentence each, through the module and through the command line. */

import { assert, assertEquals, assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import { Detector, FeatherdetError, loadOnnx, openDevice, Session, syntheticPicture, type Tensor } from "../../mod.ts";
import { demoDetector } from "../../src/models/demo_detector.ts";
import { commandLine, commandLines } from "../support/command_line.ts";
import { badModels, badPictures, goodModel } from "../support/bad_files.ts";

const MODELS = badModels();
const PICTURES = await badPictures();

/** A detector that many cases share; it goes with the process. */
let shared: Promise<Detector> | undefined;
const good = () => shared ??= Detector.load(goodModel());

/** What is found on a picture with an object. */
async function found(detector: Detector) {
  const { image } = syntheticPicture({ seed: 2, width: 64, height: 64, objects: 1, sizes: [24, 25] });
  const detections = await detector.detect(image);
  assert(detections.length > 0);
  return detections;
}

/** Fails unless it rejects with a FeatherdetError of one line. */
async function refused(run: () => Promise<unknown>): Promise<string> {
  const { message } = await assertRejects(run, FeatherdetError);
  assert(!/\n/.test(message) && message.length < 300, message);
  return message;
}

for (const { name, bytes, says } of MODELS) {
  Deno.test(`bad model: ${name} is refused in a sentence`, async () => {
    const message = await refused(() => loadOnnx(bytes, { file: name }));
    assertStringIncludes(message, `${name}: `);
    assertMatch(message.slice(name.length + 2), says);
  });
}

for (const { name, bytes, says } of PICTURES) {
  Deno.test(`bad picture: ${name} is refused in a sentence`, async () => {
    const message = await refused(async () => (await good()).detect(bytes, name));
    assertStringIncludes(message, `${name}: `);
    assertMatch(message.slice(name.length + 2), says);
  });
}

Deno.test("after bad pictures a detector still finds what is on a good one", async () => {
  const expected = await found(await good());
  for (const { bytes, name } of PICTURES) await refused(async () => (await good()).detect(bytes, name));
  assertEquals(await found(await good()), expected);
});

Deno.test("bad files on the command line: status 1, one sentence on stderr, nothing on stdout", async () => {
  const folder = await Deno.makeTempDir({ prefix: "featherdet-bad-" });
  const path = (name: string) => `${folder}/${name}`;
  try {
    for (const { name, bytes } of [...MODELS, ...PICTURES]) await Deno.writeFile(path(name), bytes);
    await Deno.writeFile(path("good.onnx"), goodModel());
    const cases = [
      ...MODELS.map(({ name, says }) => ({ model: path(name), image: path("text.jpg"), culprit: path(name), says })),
      ...PICTURES.map(({ name, says }) => ({
        model: path("good.onnx"),
        image: path(name),
        culprit: path(name),
        says,
      })),
      { model: path("none.onnx"), image: path("text.jpg"), culprit: path("none.onnx"), says: /^(no such|does not)/ },
      { model: path("good.onnx"), image: path("none.jpg"), culprit: path("none.jpg"), says: /^(no such|does not)/ },
    ];
    const detect = cases.map(({ model, image }) => ["detect", "--json", "--model", model, "--image", image]);
    // A process of its own ends with the same status.
    const [alone, ...ended] = [await commandLine(detect[0]), ...await commandLines(detect)];
    assertEquals(alone, ended[0]);
    cases.forEach(({ culprit, says }, i) => {
      const { code, stdout, lines } = ended[i];
      assertEquals([code, stdout, lines.length], [1, "", 1], `${culprit}: ${stdout} ${lines.join("\n")}`);
      const start = `error: ${culprit}: `;
      assertStringIncludes(lines[0], start);
      assertMatch(lines[0].slice(start.length), says);
    });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("a missing file is named", async () => {
  assertEquals(await refused(() => loadOnnx("none/such.onnx")), "none/such.onnx: does not exist");
  assertEquals(await refused(() => Detector.load("none/such.onnx")), "none/such.onnx: does not exist");
});

Deno.test("inputs of a wrong name, shape, length and type are refused, naming what is wanted", async () => {
  const session = await Session.create(demoDetector({ size: 64 }));
  const tensor = (shape: readonly number[], size: number): Tensor => ({ shape, data: new Float32Array(size) });
  const right = tensor([1, 3, 64, 64], 3 * 64 * 64);
  try {
    const message = (inputs: Record<string, Tensor>) => refused(() => session.run(inputs));
    const model = 'featherdet-demo: input "images"';
    assertEquals(await message({}), `${model} [1,3,64,64] is missing, given: none`);
    assertEquals(await message({ image: right }), `${model} [1,3,64,64] is missing, given: "image"`);
    assertEquals(
      await message({ images: tensor([1, 3, 64, 32], 3 * 64 * 32) }),
      `${model} is [1,3,64,64], given was [1,3,64,32] with 6144 values`,
    );
    assertEquals(
      await message({ images: tensor([1, 3, 64, 64], 5) }),
      `${model} is [1,3,64,64], given was [1,3,64,64] with 5 values`,
    );
    const bytes = new Uint8Array(3 * 64 * 64) as unknown as Float32Array;
    assertEquals(await message({ images: { shape: [1, 3, 64, 64], data: bytes } }), `${model} wants a Float32Array`);
    assertEquals(Object.keys(await session.run({ images: right })), ["output0"]);
  } finally {
    session.destroy();
  }
});

Deno.test("pixels that are no picture are refused; one larger than a texture is scaled before it goes up", async () => {
  const detector = await good();
  const message = (width: number, height: number, bytes: number) =>
    refused(() => detector.detect({ width, height, data: new Uint8Array(bytes) }));
  assertEquals(await message(10, 10, 12), "a picture of 10x10 needs 300 bytes of RGB, given were 12");
  assertMatch(await message(0, 10, 0), /^a picture of 0x10 /);
  assertEquals(await detector.detect({ width: 2 ** 17, height: 1, data: new Uint8Array(3 * 2 ** 17) }), []);
});

Deno.test("without an adapter the one command that helps is named", async () => {
  const nowhere = { VK_DRIVER_FILES: "/nonexistent", VK_ICD_FILENAMES: "/nonexistent", DENO_WEBGPU_BACKEND: "vulkan" };
  const { code, stdout, lines } = await commandLine(["demo", "--json", "--no-install"], nowhere);
  assertEquals([code, stdout, lines.length], [1, "", 1], lines.join("\n"));
  assertMatch(
    lines[0],
    /^error: no WebGPU adapter was found, install .* with: .*apt-get install -y mesa-vulkan-drivers/,
  );
  // The module itself.
  const script = `import { demoDetector, Detector } from "${new URL("../../mod.ts", import.meta.url)}";
    await Detector.load(demoDetector({ size: 64 })).catch((error) => console.log(error.name + ": " + error.message));`;
  const { stdout: said } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", "--ext=ts", script],
    env: nowhere,
  }).output();
  assertMatch(
    new TextDecoder().decode(said),
    /^FeatherdetError: no WebGPU adapter was found: install .*apt-get install/,
  );
});

Deno.test("a lost device is reported by what was running, by what comes after, and does not spoil other devices", async () => {
  const own = await openDevice();
  const graph = demoDetector({ size: 64 });
  const expected = await found(await good());
  const session = await Session.create(graph, { device: own.device });
  const lost = await Detector.load(graph, { device: own.device });
  const inputs = { images: { shape: [1, 3, 64, 64], data: new Float32Array(3 * 64 * 64) } };
  const running = session.run(inputs);
  own.device.destroy();
  assertMatch(await refused(() => running), /^the device was lost: /);
  assertMatch(await refused(() => session.run(inputs)), /^the device was lost: /);
  assertMatch(await refused(() => found(lost)), /^the device was lost: /);
  await own.device.lost;
  assertMatch(await refused(() => session.run(inputs)), /^the device was lost: /);
  assertMatch(await refused(() => found(lost)), /^the device was lost: /);
  session.destroy();
  lost.destroy();
  assertEquals(await found(await good()), expected);
});

Deno.test("settings out of range, and sessions and detectors that were destroyed, are refused", async () => {
  const graph = demoDetector({ size: 64 });
  await assertRejects(
    () => Detector.load(graph, { confidence: 2 }),
    FeatherdetError,
    "confidence is 2, it must lie in 0..1",
  );
  await assertRejects(() => Detector.load(graph, { confidence: NaN }), FeatherdetError, "confidence is NaN");
  await assertRejects(() => Detector.load(graph, { iou: -1 }), FeatherdetError, "iou is -1");
  const storage = "foo" as "texture";
  await assertRejects(() => Session.create(graph, { storage }), FeatherdetError, 'storage "foo" is not available');
  const session = await Session.create(graph), detector = await Detector.load(graph);
  session.destroy();
  detector.destroy();
  const images = { shape: [1, 3, 64, 64], data: new Float32Array(3 * 64 * 64) };
  await assertRejects(() => session.run({ images }), FeatherdetError, "the session was destroyed");
  const { image } = syntheticPicture({ seed: 1, width: 64, height: 64 });
  await assertRejects(() => detector.detect(image), FeatherdetError, "the detector was destroyed");
  const lost = await openDevice();
  lost.device.destroy();
  await lost.device.lost;
  await assertRejects(() => Session.create(graph, { device: lost.device }), FeatherdetError, "the device was lost");
});
