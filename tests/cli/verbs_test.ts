/** The command line as other programs use it: each verb in a process of its own. */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { program } from "../../src/cli.ts";
import { decodeImage } from "../../src/image/codec/decode.ts";
import { encodeJpeg, encodePng } from "../../src/image/codec/encode.ts";
import { SYNTHETIC_CLASSES, syntheticPicture } from "../../src/data/synthetic.ts";
import { couplingGroups } from "../../src/graph/mod.ts";
import { NAMED_MODELS } from "../../src/models/named.ts";
import { saveOnnx } from "../../src/onnx/mod.ts";
import { demoDetector } from "../../src/models/demo_detector.ts";
import config from "../../deno.json" with { type: "json" };
import { assertRefusals, assertRefused, commandLine, commandLines, jsonOf } from "../support/command_line.ts";
import { inFolder } from "../support/data_folders.ts";
import { sharedData } from "../support/shared_data.ts";

interface Found {
  images: {
    file: string;
    detections: { box: [number, number, number, number]; score: number; classId: number; label: string }[];
  }[];
  speed: Record<string, number>;
}

const VERBS = (await program()).commands.flatMap((command) => [command.name(), ...command.aliases()]);

Deno.test("every verb is a task and every task of the command line is a verb", () => {
  const tasks = Object.entries(config.tasks).flatMap(([name, { command }]) =>
    command.includes("src/cli.ts") ? [name] : []
  );
  assertEquals(VERBS.toSorted(), tasks.toSorted());
  for (const name of tasks) assertMatch(config.tasks[name as "demo"].command, new RegExp(`src/cli\\.ts ${name}$`));
});

Deno.test("each verb explains itself with an example, under the permissions of its task", async () => {
  const ended = await commandLines(VERBS.map((verb) => [verb, "--help"]));
  VERBS.forEach((verb, i) => {
    const { code, stdout } = ended[i];
    assertEquals(code, 0, verb);
    assertStringIncludes(stdout, "--json");
    const names: Record<string, string> = { predict: "detect", val: "eval" };
    assertMatch(stdout, new RegExp(`Example:\n  deno task ${names[verb] ?? verb}`));
  });
});

Deno.test("wrong arguments end in one sentence and status 1", async () => {
  assertRefused(await commandLine(["detct"]), /^error: unknown command 'detct' \(Did you mean detect\?\)$/);
  await assertRefusals([
    [["inspect"], /^error: required option '--model <model>' not specified$/],
    [["demo", "--confidence", "2"], /^error: option '--confidence <score>' argument '2' is invalid. Expected/],
    [["demo", "--precision", "int4"], /^error: option '--precision <type>' argument 'int4' is invalid/],
    [["inspect", "--model", "yolo99"], /^error: unknown model "yolo99": .*\(demo/],
    [["inspect", "--model", "no/such.onnx", "--json"], /^error: no\/such.onnx: no such model file$/],
  ]);
});

Deno.test("what other programs call an option is answered with what it is called here", async () => {
  const asked = ["detect", "--model", "m", "--image", "i"];
  await assertRefusals([
    [[...asked, "--conf", "0.3"], /^error: unknown option '--conf' \(Did you mean --confidence\?\)$/],
    [[...asked, "--imgsz", "320"], /^error: unknown option '--imgsz' \(Did you mean --size\?\)$/],
    [["val", "--weights", "m"], /^error: required option '--model <model>' not specified, --weights is unknown$/],
    [[...asked, "--confidenc", "0.3"], /^error: unknown option '--confidenc' \(Did you mean --confidence\?\)$/],
    [[...asked, "--bananas", "1"], /^error: unknown option '--bananas'$/],
  ]);
});

Deno.test("--version prints the version, of the program and of each verb", async () => {
  for (const { code, stdout } of await commandLines([["--version"], ["detect", "--version"]])) {
    assertEquals([code, stdout], [0, `${config.version}\n`]);
  }
});

Deno.test("a name without a file is refused where weights matter, and said aloud where they do not", () =>
  inFolder(async (folder) => {
    const model = ["--model", "yolo11lite-shufflenetv2-0.5x"], out = join(folder, "new", "int8.onnx");
    const missing =
      /^error: no file yolo11lite-shufflenetv2-0\.5x\.onnx is .* finds nothing: .*deno task train.*deno task data yolo11n/;
    await assertRefusals([
      [["detect", ...model, "--image", fileURLToPath(import.meta.url)], missing],
      [["eval", ...model, "--data", "synthetic", "--limit", "1"], missing],
      [["quantize", ...model, "--calibrate", "synthetic", "--limit", "1", "--out", out, "--size", "64"], missing],
    ]);
    // The folder of the file to write is there already.
    assertEquals(Deno.statSync(join(folder, "new")).isDirectory, true);
    const { code, stderr } = await commandLine(["inspect", ...model, "--size", "64"]);
    assertEquals(code, 0);
    assertMatch(stderr, /is built with random weights: no file/);
  }));

Deno.test("inspect and plan refuse int8 for a model in floats, and take it for one in bytes", async () => {
  const int8 = ["--precision", "int8"];
  await assertRefusals(["inspect", "plan"].map((verb) => [
    [verb, "--model", "demo", "--size", "64", ...int8],
    /^error: .*the model is in floats: make it int8 first/,
  ]));
  const model = fileURLToPath(new URL("../../data/models/bccd-pruned-int8.onnx", import.meta.url));
  const { dispatches } = await jsonOf<{ dispatches: number }>(["inspect", "--model", model, ...int8]);
  assert(dispatches > 50);
});

Deno.test("FEATHERDET_DEBUG=1 adds where an error came from", async () => {
  const { code, stderr } = await commandLine(["inspect", "--model", "yolo99"], { FEATHERDET_DEBUG: "1" });
  assertEquals(code, 1);
  assertMatch(stderr, /error: unknown model "yolo99"[^]*\n\s+at findModel /);
});

Deno.test({
  name: "without an adapter a verb names the command that helps",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    const nowhere = { VK_ICD_FILENAMES: "/nonexistent" };
    assertRefused(await commandLine(["demo", "--json"], nowhere), /^error: no WebGPU adapter was found/);
  },
});

Deno.test("demo finds the blood cells on a picture that its detector was not trained on", async () => {
  await inFolder(async (folder) => {
    const target = join(folder, "out.png");
    const result = await jsonOf<Found & { objects: number; found: number }>(["demo", "--draw", target]);
    assertEquals([result.objects, result.found], [18, 18]);
    const { width, height } = await decodeImage(await Deno.readFile(target));
    assertEquals([width, height], [640, 480]);
  });
});

Deno.test("demo finds most of what is on a synthetic scene, with the detector for such", async () => {
  await inFolder(async (folder) => {
    const args = ["demo", "--model", "synthetic", "--draw", join(folder, "new", "out.png")];
    const result = await jsonOf<Found & { objects: number; found: number }>(args);
    assert(result.objects > 3 && result.found > result.objects / 2, `${result.found} of ${result.objects}`);
  });
});

Deno.test("the constructed detector finds what is on its picture and draws it", async () => {
  await inFolder(async (folder) => {
    const target = join(folder, "out.png");
    const args = ["demo", "--model", "demo", "--draw", target];
    const result = await jsonOf<Found & { objects: number; found: number; drawn: string }>(args);
    assertEquals([result.found, result.images.length, result.drawn], [result.objects, 1, target]);
    assertEquals(result.images[0].detections.length, result.objects);
    const drawn = await decodeImage(await Deno.readFile(target));
    const plain = syntheticPicture({ seed: 7, width: 640, height: 480 }).image;
    assertEquals([drawn.width, drawn.height], [640, 480]);
    const changed = drawn.data.filter((value, i) => value !== plain.data[i]).length;
    assert(changed > 20_000 && changed < 200_000, `${changed} bytes were drawn on`);
  });
});

Deno.test("detect finds the objects of every picture of a folder, in order, and draws copies", async () => {
  await inFolder(async (folder) => {
    const pictures = [11, 12, 13].map((seed) =>
      syntheticPicture({ seed, width: 320, height: 240, sizes: [48, 90], objects: 4 })
    );
    const images = join(folder, "images");
    await Deno.mkdir(images);
    await Deno.writeFile(join(images, "a.png"), await encodePng(pictures[0].image));
    await Deno.writeFile(join(images, "b.jpg"), await encodeJpeg(pictures[1].image, 95));
    await Deno.writeFile(join(images, "c.png"), await encodePng(pictures[2].image));
    const model = join(folder, "demo.onnx");
    await Deno.writeFile(model, saveOnnx(demoDetector({ size: 320 })));
    const drawn = join(folder, "drawn");
    const { images: results, speed } = await jsonOf<Found>([
      "detect",
      "--model",
      model,
      "--image",
      images,
      "--draw",
      drawn,
    ]);
    assertEquals(results.map(({ file }) => file), ["a.png", "b.jpg", "c.png"].map((name) => join(images, name)));
    results.forEach(({ detections, file }, i) => {
      for (const { classId, box } of pictures[i].objects) {
        const near = detections.filter((one) =>
          one.classId === classId && one.box.every((edge, side) => Math.abs(edge - box[side]) < 6)
        );
        assertEquals(near.length, 1, `${file}: class ${classId} at ${box}: ${JSON.stringify(detections)}`);
        assertEquals(near[0].label, SYNTHETIC_CLASSES[classId].label);
      }
      const scores = detections.map(({ score }) => score);
      assertEquals(scores, scores.toSorted((a, b) => b - a));
    });
    assert(Object.values(speed).every((value) => value > 0), JSON.stringify(speed));
    assertEquals([...Deno.readDirSync(drawn)].map(({ name }) => name).sort(), ["a.png", "b.jpg", "c.png"]);
    assertEquals((await decodeImage(await Deno.readFile(join(drawn, "b.jpg")))).width, 320);
  });
});

Deno.test("detect names the file that it cannot read", async () => {
  await inFolder(async (folder) => {
    const text = join(folder, "x.jpg");
    await Deno.writeTextFile(text, "only text");
    const detect = ["detect", "--model"];
    await assertRefusals([
      [[...detect, "demo", "--image", text], /x\.jpg: not an image .*it starts with "only text"$/],
      [[...detect, "demo", "--image", join(folder, "y.jpg")], /^error: .*y\.jpg: no such file$/],
      [[...detect, text, "--image", text], /^error: .*x\.jpg: /],
    ]);
  });
});

Deno.test("inspect counts the demo detector as the analyser does", async () => {
  const result = await jsonOf<Record<string, number>>(["inspect", "--model", "demo", "--size", "320"]);
  assertEquals(String(result.head), "maps");
  // All its weights are those of convolutions, the DFL's fixed distances among them, which exporters count too.
  const { nodes, constants } = demoDetector({ size: 320 });
  const weights = new Set(nodes.flatMap(({ op, inputs }) => (op === "Conv" ? inputs.slice(1) : [])));
  assertEquals(result.parameters, [...weights].reduce((sum, name) => sum + constants.get(name)!.data.length, 0));
  assert(result.dispatches > 40 && result.activationBytes > 0 && result.gflops > 0.05, JSON.stringify(result));
  assertEquals(result.fileBytes, saveOnnx(demoDetector({ size: 320 })).byteLength);
  assertEquals([result.bitOperations, result.bytes], [1024 * result.macs, 4 * result.parameters]);
  assert(result.sparsity > 0.9 && result.nonzeroFlops < 0.5 * result.flops, JSON.stringify(result));
});

Deno.test("inspect --groups names the channels that can be removed together", async () => {
  type Bundle = { groups: number; members: { node: string; role: string; indices: number[] }[]; kept?: unknown[] };
  const { groups } = await jsonOf<{ groups: { removable: number; staying: number; bundles: Bundle[] } }>([
    ...["inspect", "--model", "yolo11lite-mobilenetv3-small", "--size", "32", "--groups"],
  ]);
  const found = couplingGroups(NAMED_MODELS["yolo11lite-mobilenetv3-small"]({ size: 32 }));
  assertEquals([groups.removable, groups.staying], [found.groups.length, found.kept.length]);
  const counted = (bundles: readonly Bundle[]) => bundles.reduce((sum, { groups }) => sum + groups, 0);
  assertEquals(counted(groups.bundles.filter(({ kept }) => kept === undefined)), found.groups.length);
  assertEquals(groups.bundles[0].members[0].role, "makes");
});

const yolo = sharedData("models/yolo11n.onnx");
Deno.test({
  name: "inspect gives YOLO11n's published figures (needs ../shared/data)",
  ignore: yolo === undefined,
  fn: async () => {
    const result = await jsonOf<Record<string, number>>(["inspect", "--model", fileURLToPath(yolo!)]);
    assertEquals(result.parameters, 2_616_248);
    assertEquals(result.gflops.toFixed(1), "6.5");
    assert(result.dispatches <= 110, `${result.dispatches} dispatches`);
  },
});

Deno.test("plan lists every dispatch", async () => {
  const { steps, dispatches } = await jsonOf<{ steps: { kernel: string }[]; dispatches: number }>([
    "plan",
    "--model",
    "demo",
  ]);
  assertEquals(steps.length, dispatches);
  const { stdout } = await commandLine(["plan", "--model", "demo"]);
  for (const { kernel } of steps) assertStringIncludes(stdout, kernel);
});

Deno.test("test prints the counts last and ends with the status of the tests", () =>
  inFolder(async (folder) => {
    const [good, bad, broken, ...others] = Array.from({ length: 11 }, (_, i) => join(folder, `${i}_test.ts`));
    const quickly = `if (!Deno.env.has("GALLIVM_PERF")) throw new Error("shaders are compiled as for users");`;
    await Deno.writeTextFile(
      good,
      `Deno.test("a", () => { ${quickly} }); Deno.test({ name: "b", ignore: true, fn() {} });`,
    );
    await Deno.writeTextFile(bad, `Deno.test("a", () => { throw new Error("x"); }); Deno.test("b", () => {});`);
    await Deno.writeTextFile(broken, `const broken: number = "text"; Deno.test("a", () => void broken);`);
    for (const other of others) await Deno.writeTextFile(other, `Deno.test("a", () => {});`);
    const ended = await commandLines([
      ["test", good],
      ["test", bad],
      ["test", broken],
      // Files of several processes are compiled once, beside them.
      ["test", broken, ...others],
      ["test", "--json", "--filter", "b", bad],
    ]);
    const { seconds, ...counts } = JSON.parse(ended.pop()!.stdout);
    assertEquals(counts, { passed: 1, failed: 0, skipped: 0, failures: [] });
    assert(seconds > 0);
    // What failed is said once more, behind what all processes printed.
    const [, failed, , several] = ended.map(({ stderr }) => stderr.trimEnd().split("\n"));
    assertMatch(failed.findLast((line) => line.startsWith("FAILED"))!, /^FAILED .*1_test\.ts: a$/);
    assertMatch(several.at(-1)!, /^FAILED to check types/);
    assertEquals(ended.map(({ code, stdout }) => [code, stdout]), [
      [0, "1 passed, 0 failed, 1 skipped\n"],
      [1, "1 passed, 1 failed\n"],
      [1, "0 passed, 1 failed\n"],
      [1, "9 passed, 1 failed\n"],
    ]);
  }));
