/** `detect` over pictures as people have them: some broken, some linked, drawn where others lie, and ended by Ctrl-C. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { join } from "node:path";
import { freeName } from "../../src/cli/draw_targets.ts";
import { listSources } from "../../src/host/sources/open.ts";
import { encodeJpeg, encodePng } from "../../src/image/codec/encode.ts";
import { decodeImage } from "../../src/image/codec/decode.ts";
import { syntheticPicture } from "../../src/data/synthetic.ts";
import { FeatherdetError } from "../../src/graph/error.ts";
import { saveOnnx } from "../../src/onnx/mod.ts";
import { namesText } from "../../src/models/metadata.ts";
import { demoDetector } from "../../src/models/demo_detector.ts";
import { CLI, command, commandLine, commandLines, ownLines } from "../support/command_line.ts";
import { inFolder, put } from "../support/data_folders.ts";
import { permissionsOf } from "../support/task_permissions.ts";
import { drawTo } from "../support/draw_to.ts";

const { image } = syntheticPicture({ seed: 11, width: 64, height: 64, sizes: [20, 30], objects: 2 });
const PNG = await encodePng(image), JPEG = await encodeJpeg(image, 95);
const GRAPH = demoDetector({ size: 64 });
const MODEL = saveOnnx({ ...GRAPH, metadata: { ...GRAPH.metadata, names: namesText(["猫", "Ж", "café"]) } });

/** Writes files into a folder, with the model beside it. */
async function fill(
  folder: string,
  files: Record<string, Uint8Array | string>,
): Promise<{ images: string; model: string }> {
  const [images, model] = [join(folder, "images"), join(folder, "model.onnx")];
  await Deno.mkdir(images);
  await Deno.writeFile(model, MODEL);
  for (const [name, content] of Object.entries(files)) {
    if (typeof content === "string") await put(images, name, content);
    else await Deno.writeFile(join(images, name), content);
  }
  return { images, model };
}

const heads = (stdout: string) => stdout.split("\n").filter((line) => / objects?$/.test(line));

const filesOf = (words: readonly string[]) => listSources(words).sources.map(({ file }) => file);

Deno.test("a broken picture of a folder is named, the others are told line by line, and the status is 1", () =>
  inFolder(async (folder) => {
    const bad = { "b.jpg": JPEG.subarray(0, JPEG.length >> 1), "c.png": "<html></html>" };
    const { images, model } = await fill(folder, { "a.jpg": JPEG, ...bad, "d.png": PNG, "._e.png": "x", "f.jp2": "x" });
    await Deno.symlink("a.jpg", join(images, "g.JPG"));
    const args = ["detect", "--model", model, "--image", images];
    const [plain, object, strict] = await commandLines([args, [...args, "--json"], [...args, "--strict"]]);
    assertEquals(plain.code, 1);
    assertEquals(
      heads(plain.stdout).map((line) => line.replace(/: \d+ objects?$/, "")),
      ["a.jpg", "d.png", "g.JPG"].map((name) => join(images, name)),
    );
    // A slow machine says how far it is.
    const [other, first, second, , count] = plain.lines.filter((line) => !/^\d+\/\d+ images/.test(line));
    assertEquals(other, `${images}: 1 of other formats left out: f.jp2`);
    assertEquals(first, `error: ${join(images, "b.jpg")}: broken JPEG: its data is cut short`);
    assertMatch(second, /^error: .*c\.png: not an image .*, it is a web page$/);
    assertEquals(count, "2 of 5 images could not be read");
    const { images: found, failed } = JSON.parse(object.stdout);
    assertEquals([object.code, found.length, failed.length], [1, 3, 2]);
    assertEquals(failed[0], { file: join(images, "b.jpg"), error: first.slice("error: ".length) });
    assertEquals([strict.code, heads(strict.stdout).length], [1, 1]);
    assertEquals(strict.lines.filter((line) => line.startsWith("error: ")), [first]);
  }));

Deno.test("damage is a warning, a refusal under --strict, and labels of all scripts are drawn", () =>
  inFolder(async (folder) => {
    const damaged = PNG.slice();
    damaged[PNG.length - 13] ^= 1;
    const { images, model } = await fill(folder, { "a.png": damaged });
    const picture = join(images, "a.png"), drawn = join(folder, "drawn.png");
    const args = ["detect", "--model", model, "--confidence", "0.1", "--image", picture];
    const [plain, strict] = await commandLines([[...args, "--draw", drawn], [...args, "--strict"]]);
    assertEquals([plain.code, plain.lines[0]], [
      0,
      `warning: ${picture}: damaged PNG: the checksum of IDAT is wrong`,
    ]);
    assert(!plain.lines.some((line) => line.startsWith("drawn by number")), plain.lines.join("\n"));
    assertMatch(plain.stdout, /猫|Ж|café/);
    assertEquals((await decodeImage(await Deno.readFile(drawn))).width, 64);
    assertEquals([strict.code, strict.stdout], [1, ""]);
    assertEquals(strict.lines, [`error: ${picture}: damaged PNG: the checksum of IDAT is wrong`]);
  }));

Deno.test({
  name: "Ctrl-C ends after the pictures that were begun, with their results told",
  ignore: Deno.build.os === "windows",
  fn: () =>
    inFolder(async (folder) => {
      const { images, model } = await fill(folder, { "a.png": PNG });
      for (let i = 0; i < 4000; i++) await Deno.symlink("a.png", join(images, `b${i}.png`));
      const child = command(["detect", "--model", model, "--image", images]).spawn();
      const stderr = new Response(child.stderr).text();
      let stdout = "";
      for await (const part of child.stdout.pipeThrough(new TextDecoderStream())) {
        if (stdout === "") child.kill("SIGINT");
        stdout += part;
      }
      assertEquals((await child.status).code, 130);
      const told = heads(stdout).length;
      assert(told > 0 && told < 4001, `${told}`);
      assertEquals(ownLines(await stderr).at(-1), `interrupted after ${told} of 4001 images`);
    }),
});

Deno.test("drawing goes over no picture that is read, by whatever name, and over other files by --force only", () =>
  inFolder(async (folder) => {
    const { images } = await fill(folder, { "a.png": PNG, "b.jpg": JPEG });
    const files = ["a.png", "b.jpg"].map((name) => join(images, name));
    const refused = (target: string, force: boolean, of = files) => {
      try {
        drawTo(of, target, force);
      } catch (error) {
        assert(error instanceof FeatherdetError);
        return error.message;
      }
      return "accepted";
    };
    for (const force of [false, true]) {
      assertMatch(refused(images, force), /a\.png: is one of the pictures to read/);
      assertMatch(refused(files[0], force, [files[0]]), /is one of the pictures to read/);
    }
    await Deno.symlink(images, join(folder, "link"));
    await Deno.link(files[0], join(folder, "other.png"));
    assertMatch(refused(join(folder, "link"), true), /is one of the pictures to read/);
    assertMatch(refused(join(folder, "other.png"), true, [files[0]]), /is one of the pictures to read/);
    const drawn = join(folder, "drawn");
    assertEquals(drawTo(files, drawn, false), ["a.png", "b.jpg"].map((name) => join(drawn, name)));
    await Deno.writeFile(join(drawn, "b.jpg"), JPEG);
    assertMatch(refused(drawn, false), /b\.jpg: exists already: .* --force$/);
    assertEquals(refused(drawn, true), "accepted");
    // Copies whose names differ in capitals alone would be one file elsewhere.
    const names = drawTo(["x/a.PNG", "y/A.png", "a.bmp"], join(folder, "new"), false);
    assertEquals(names.map((name) => name.slice(folder.length + 5)), ["a.PNG", "A-2.png", "a-3.png"]);
    assertEquals(freeName(join(drawn, "b.jpg")), join(drawn, "b-2.jpg"));
  }));

Deno.test("links of a folder are read, those to nowhere are missed, and a folder without pictures says what it holds", () =>
  inFolder(async (folder) => {
    const { images } = await fill(folder, { "a.png": PNG, "B.TIFF": "x", "._a.png": "x", "notes.txt": "x" });
    await Deno.symlink("a.png", join(images, "c.png"));
    await Deno.symlink("nowhere.png", join(images, "d.png"));
    await Deno.symlink(".", join(images, "self.png"));
    const { sources, notes } = listSources([images]);
    assertEquals(
      sources.map(({ file }) => file),
      ["B.TIFF", "a.png", "c.png", "d.png"].map((name) => join(images, name)),
    );
    assertEquals(notes, []);
    assertEquals(filesOf([join(images, "c.png"), images]).length, 4);
    const says = (path: string, part: RegExp) => {
      try {
        listSources([path]);
      } catch (error) {
        return assertMatch((error as Error).message, part);
      }
      throw new Error("accepted");
    };
    const raw = join(folder, "raw");
    await put(raw, "a.CR2", "x");
    says(raw, /the folder holds no image \(JPEG, .*\) and no video, but a\.CR2$/);
  }));

Deno.test("a pipe of pictures is told a line each as JSON, the broken one in its turn, and drawn to a folder", () =>
  inFolder(async (folder) => {
    const { model } = await fill(folder, {});
    const drawn = join(folder, "drawn"), broken = PNG.slice();
    broken.fill(0, 60, 100);
    const args = ["detect", "--model", model, "--image", "-", "--jsonl", "--draw", drawn];
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", ...permissionsOf("detect"), CLI, ...args],
      env: { NO_COLOR: "1", FEATHERDET_NO_INSTALL: "1", XDG_RUNTIME_DIR: "/tmp" },
      ...{ stdin: "piped", stdout: "piped", stderr: "piped" },
    }).spawn();
    const ended = child.output();
    await ReadableStream.from([PNG, broken, JPEG]).pipeTo(child.stdin);
    const { code, stdout } = await ended;
    const lines = new TextDecoder().decode(stdout).trim().split("\n").map((line) => JSON.parse(line));
    assertEquals(code, 1);
    // The detector is a frame behind the reader.
    const byFrame = lines.sort((a, b) => a.frame - b.frame);
    assertEquals(byFrame.map((line) => Object.keys(line).join(" ")), [
      "file frame detections",
      "file frame error",
      "file frame detections",
    ]);
    assertEquals([...Deno.readDirSync(drawn)].map(({ name }) => name).sort(), ["stdin-000000.png", "stdin-000002.png"]);
  }));

Deno.test("where there is no adapter, --engine cpu and auto find what is found elsewhere", () =>
  inFolder(async (folder) => {
    const { images, model } = await fill(folder, { "a.png": PNG });
    const args = ["detect", "--model", model, "--image", images];
    const none = { VK_ICD_FILENAMES: join(folder, "none"), VK_DRIVER_FILES: join(folder, "none") };
    const [cpu, auto, webgpu] = await Promise.all(
      ["cpu", "auto", "webgpu"].map((engine) => commandLine([...args, "--engine", engine], none)),
    );
    assertEquals([cpu.code, auto.code, webgpu.code], [0, 0, 1], cpu.stderr);
    assertEquals(heads(cpu.stdout).length, 1);
    assertEquals(auto.stdout, cpu.stdout);
    assertMatch(webgpu.stderr, /^error: no WebGPU adapter was found/);
  }));
