/** `detect` over pictures as people have them: some broken, some linked, drawn where others lie, and ended by Ctrl-C. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { join } from "node:path";
import { drawTargets, freeName } from "../../src/cli/draw_targets.ts";
import { listImages } from "../../src/cli/images.ts";
import { encodeJpeg, encodePng } from "../../src/image/codec/encode.ts";
import { decodeImage } from "../../src/image/codec/decode.ts";
import { syntheticPicture } from "../../src/data/synthetic.ts";
import { FeatherdetError } from "../../src/graph/error.ts";
import { saveOnnx } from "../../src/onnx/mod.ts";
import { namesText } from "../../src/models/metadata.ts";
import { demoDetector } from "../../src/models/demo_detector.ts";
import { command, commandLine, ownLines } from "../support/command_line.ts";
import { inFolder, put } from "../support/data_folders.ts";

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

Deno.test("a broken picture of a folder is named, the others are told line by line, and the status is 1", () =>
  inFolder(async (folder) => {
    const bad = { "b.jpg": JPEG.subarray(0, JPEG.length >> 1), "c.png": "<html></html>" };
    const { images, model } = await fill(folder, { "a.jpg": JPEG, ...bad, "d.png": PNG, "._e.png": "x", "f.jp2": "x" });
    await Deno.symlink("a.jpg", join(images, "g.JPG"));
    const args = ["detect", "--model", model, "--image", images];
    const [plain, object, strict] = await Promise.all(
      [args, [...args, "--json"], [...args, "--strict"]].map(commandLine),
    );
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
    const [plain, strict] = await Promise.all([[...args, "--draw", drawn], [...args, "--strict"]].map(commandLine));
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
        drawTargets(of, target, force);
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
    assertEquals(drawTargets(files, drawn, false), ["a.png", "b.jpg"].map((name) => join(drawn, name)));
    await Deno.writeFile(join(drawn, "b.jpg"), JPEG);
    assertMatch(refused(drawn, false), /b\.jpg: exists already: .* --force$/);
    assertEquals(refused(drawn, true), "accepted");
    // Copies whose names differ in capitals alone would be one file elsewhere.
    const names = drawTargets(["x/a.PNG", "y/A.png", "a.bmp"], join(folder, "new"), false);
    assertEquals(names.map((name) => name.slice(folder.length + 5)), ["a.PNG", "A-2.png", "a-3.png"]);
    assertEquals(freeName(join(drawn, "b.jpg")), join(drawn, "b-2.jpg"));
  }));

Deno.test("links of a folder are read, those to nowhere are missed, and a folder without pictures says what it holds", () =>
  inFolder(async (folder) => {
    const { images } = await fill(folder, { "a.png": PNG, "B.TIFF": "x", "._a.png": "x", "notes.txt": "x" });
    await Deno.symlink("a.png", join(images, "c.png"));
    await Deno.symlink("nowhere.png", join(images, "d.png"));
    await Deno.symlink(".", join(images, "self.png"));
    const { files, notes } = listImages([images]);
    assertEquals(files, ["B.TIFF", "a.png", "c.png", "d.png"].map((name) => join(images, name)));
    assertEquals(notes, [`${images}: folders in it are not looked into: self.png`]);
    assertEquals(listImages([join(images, "c.png"), images]).files.length, 4);
    const says = (path: string, part: RegExp) => {
      try {
        listImages([path]);
      } catch (error) {
        return assertMatch((error as Error).message, part);
      }
      throw new Error("accepted");
    };
    says(folder, /the folder holds no image \(JPEG, .*\), but folders: images$/);
    const raw = join(folder, "raw");
    await put(raw, "a.CR2", "x");
    says(raw, /the folder holds no image \(JPEG, .*\), but a\.CR2$/);
  }));
