/** What pictures come from: names on the command line, pictures behind each other in a pipe, and the frames that ffmpeg writes. */

import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { join } from "node:path";
import { syntheticPicture } from "../../../src/data/synthetic.ts";
import { FeatherdetError } from "../../../src/graph/error.ts";
import { encodeJpeg, encodePng } from "../../../src/image/codec/encode.ts";
import type { RgbImage } from "../../../src/image/rgb_image.ts";
import { cameraInput } from "../../../src/host/sources/cameras.ts";
import { listSources, SOURCE_KINDS } from "../../../src/host/sources/open.ts";
import { splitPictures } from "../../../src/host/sources/picture_stream.ts";
import { newest, readPpmStream } from "../../../src/host/sources/read_video.ts";
import { pipeSource } from "../../../src/host/sources/stdin.ts";
import { inFolder } from "../../support/data_folders.ts";

const pictureOf = (seed: number) =>
  syntheticPicture({ seed, width: 61, height: 47, sizes: [12, 20], objects: 2 }).image;

/** Bytes in pieces of a length. */
async function* inPieces(bytes: Uint8Array, length: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += length) yield bytes.slice(at, at + length);
}

const joined = (parts: readonly Uint8Array[]) => Uint8Array.from(parts.flatMap((part) => [...part]));

async function all<T>(source: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const one of source) found.push(one);
  return found;
}

Deno.test("every word names a source of one kind", () =>
  inFolder(async (folder) => {
    const odd = join(folder, "[1].png");
    await Deno.writeTextFile(odd, "");
    const kinds: readonly (readonly [word: string, kind: string])[] = [
      ["-", "stdin"],
      ["camera:0", "camera"],
      ["/dev/video2", "camera"],
      ["rtsp://door.example/stream", "video at a URL"],
      ["https://a.example/clip.MP4?x=1", "video at a URL"],
      ["https://a.example/live.m3u8", "video at a URL"],
      ["https://a.example/picture", "picture at a URL"],
      [folder, "folder"],
      [join(folder, "*.png"), "pattern"],
      [odd, "file"],
      ["nowhere.jpg", "file"],
    ];
    for (const [word, kind] of kinds) assertEquals(SOURCE_KINDS.find(({ means }) => means(word))?.name, kind, word);
  }));

Deno.test("folders are read with the folders in them, links in no circle, and patterns name pictures and videos", () =>
  inFolder(async (folder) => {
    for (const name of ["b/c", "a"]) await Deno.mkdir(join(folder, name), { recursive: true });
    const names = ["z.png", "a/1.jpg", "a/2.mp4", "b/c/3.webp", "b/notes.txt", "b/4.jp2"];
    for (const name of names) await Deno.writeTextFile(join(folder, name), "");
    await Deno.symlink(folder, join(folder, "b", "circle"));
    await Deno.symlink(join(folder, "a"), join(folder, "b", "link"));
    const { sources, notes } = listSources([folder]);
    const inside = (list: typeof sources) =>
      list.map(({ file, content }) => `${file.slice(folder.length + 1)} ${content}`);
    assertEquals(inside(sources), [
      ...["z.png picture", "a/1.jpg picture", "a/2.mp4 video"],
      ...["b/c/3.webp picture", "b/link/1.jpg picture", "b/link/2.mp4 video"],
    ]);
    assertEquals(notes, [`${folder}: 1 of other formats left out: b/4.jp2`]);
    const found = listSources([join(folder, "a", "*"), join(folder, "{b,z}*", "**", "*.webp"), join(folder, "a")]);
    assertEquals(inside(found.sources), ["a/1.jpg picture", "a/2.mp4 video", "b/c/3.webp picture"]);
    assertThrows(() => listSources([join(folder, "*.gif")]), FeatherdetError, "the pattern names no image");
    assertThrows(() => listSources([join(folder, "b", "4.png")]), FeatherdetError, "4.png: no such file");
  }));

Deno.test("pictures behind each other are taken apart wherever their bytes are cut", async () => {
  const [jpeg, png] = [await encodeJpeg(pictureOf(1), 90), await encodePng(pictureOf(2))];
  // A preview within the file, as cameras write it: its end is not the picture's.
  const withPreview = joined([
    jpeg.slice(0, 2),
    Uint8Array.of(0xff, 0xe5, 0, 8, 0xff, 0xd8, 0xff, 0xd9, 0, 0),
    jpeg.slice(2),
  ]);
  const bmp = new Uint8Array(58);
  bmp.set([0x42, 0x4d, 58]);
  bmp.set([54, 0, 0, 0, 40, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 24], 10);
  const files = [withPreview, png, bmp, jpeg, png.slice(0, 60)];
  for (const length of [1, 7, 1000, 1 << 20]) {
    const found = await all(splitPictures(inPieces(joined(files), length)));
    assertEquals(found, files.map((bytes) => ({ bytes, isOnly: false })), `${length}`);
  }
  // Phones write more behind a picture's end.
  const trailed = joined([jpeg, new TextEncoder().encode("SEFH and what else phones write")]);
  assertEquals(await all(splitPictures(inPieces(trailed, 100))), [{ bytes: trailed, isOnly: true }]);
  assertEquals((await all(splitPictures(inPieces(png, 33)))).map(({ isOnly }) => isOnly), [true]);
});

Deno.test("of a pipe, a broken picture is its own fault, one picture alone has no number, and an empty one is told", async () => {
  const png = await encodePng(pictureOf(3)), broken = png.slice();
  broken.fill(0, 50, 90);
  const pipe = (bytes: Uint8Array) => pipeSource(() => ReadableStream.from(inPieces(bytes, 500)), "stdin");
  const frames = await all(pipe(joined([png, broken, png])).frames({}));
  assertEquals(frames.map(({ file, frame }) => `${file} ${frame}`), ["stdin 0", "stdin 1", "stdin 2"]);
  assertEquals(await frames[2].image(), pictureOf(3));
  await assertRejects(frames[1].image, FeatherdetError, "stdin:1: ");
  const [alone] = await all(pipe(png).frames({}));
  assertEquals([alone.file, alone.frame, await alone.image()], ["stdin", undefined, pictureOf(3)]);
  await assertRejects(() => all(pipe(new Uint8Array()).frames({})), FeatherdetError, "stdin: nothing came");
});

/** A picture as a binary PPM file. */
const ppm = ({ width, height, data }: RgbImage) =>
  joined([new TextEncoder().encode(`P6\n${width} ${height}\n255\n`), data]);

Deno.test("frames are read from PPM files behind each other, and what is cut short is no frame", async () => {
  const frames = [pictureOf(4), pictureOf(5)], bytes = joined([...frames.map(ppm), ppm(pictureOf(6)).slice(0, 900)]);
  for (const length of [1, 64, 1 << 20]) assertEquals(await all(readPpmStream(inPieces(bytes, length))), frames);
  await assertRejects(
    () => all(readPpmStream(inPieces(new Uint8Array(99), 9))),
    FeatherdetError,
    "expected a PPM header",
  );
});

Deno.test("of a live source only the newest frame is taken, the last one always, and its error is thrown", async () => {
  const gates = Array.from({ length: 6 }, () => Promise.withResolvers<void>());
  const asked = Promise.withResolvers<void>();
  async function* source() {
    for (let i = 0; i < 6; i++) {
      if (i === 5) asked.resolve();
      await gates[i].promise;
      yield i;
    }
    throw new Error("unplugged");
  }
  const taken = newest(source()),
    open = (from: number, to: number) => gates.slice(from, to).forEach((gate) => gate.resolve());
  open(0, 1);
  assertEquals((await taken.next()).value, 0);
  open(1, 5);
  // Whoever asks for the last one has the one before.
  await asked.promise;
  assertEquals((await taken.next()).value, 4);
  open(5, 6);
  assertEquals((await taken.next()).value, 5);
  await assertRejects(() => taken.next(), Error, "unplugged");
});

Deno.test("cameras are named as ffmpeg names them on each system", () => {
  assertEquals(cameraInput("1", "linux"), ["-f", "v4l2", "-i", "/dev/video1"]);
  assertEquals(cameraInput("/dev/video3", "linux").at(-1), "/dev/video3");
  assertEquals(cameraInput("0", "darwin").at(-1), "0:none");
  assertEquals(cameraInput("HD Cam", "windows").at(-1), "video=HD Cam");
  assertThrows(() => cameraInput("0", "windows"), FeatherdetError, "camera:NAME");
});

Deno.test("a camera that is not there is told by its name", async () => {
  if (Deno.build.os !== "linux") return;
  const { sources: [camera] } = listSources(["camera:987"]);
  await assertRejects(() => all(camera.frames({})), FeatherdetError, "there is no camera /dev/video987");
  assert(camera.content === "video");
});
