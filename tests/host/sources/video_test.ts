/** Videos through ffmpeg: what was written is read again, in order and in full. Where ffmpeg is missing, that is one sentence. */

import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { join } from "node:path";
import { FeatherdetError } from "../../../src/graph/error.ts";
import { findFfmpeg } from "../../../src/host/sources/ffmpeg.ts";
import { listSources } from "../../../src/host/sources/open.ts";
import { pipeSource } from "../../../src/host/sources/stdin.ts";
import type { SourceFrame } from "../../../src/host/sources/source.ts";
import { VideoWriter } from "../../../src/host/sources/write_video.ts";
import { inFolder } from "../../support/data_folders.ts";

const hasFfmpeg = findFfmpeg() !== undefined;

/** Frames of one grey each, so that a frame tells its number. Odd sides, which the codec's halved colour does not have. */
const [WIDTH, HEIGHT, FRAMES] = [67, 45, 12];
const greyOf = (frame: number) => 20 + 18 * frame;
const frameOf = (frame: number) => ({
  ...{ width: WIDTH, height: HEIGHT },
  data: new Uint8Array(WIDTH * HEIGHT * 3).fill(greyOf(frame)),
});

/** Grey in the middle of each frame of a source. */
async function greysOf(
  frames: AsyncIterable<SourceFrame>,
): Promise<{ greys: number[]; rates: Set<number | undefined> }> {
  const greys: number[] = [], rates = new Set<number | undefined>();
  for await (const { image, frame, video } of frames) {
    const { data, width, height } = await image();
    assertEquals(frame, greys.length);
    greys.push(data[3 * (width * (height >> 1) + (width >> 1))]);
    rates.add(video?.rate);
  }
  return { greys, rates };
}

Deno.test({
  name: `a video is read as it was written, from a file and from a pipe${hasFfmpeg ? "" : " (ignored: no ffmpeg)"}`,
  ignore: !hasFfmpeg,
  fn: () =>
    inFolder(async (folder) => {
      const file = join(folder, "a:b.mp4");
      const writer = new VideoWriter(file, { width: WIDTH, height: HEIGHT }, 12.5);
      for (let frame = 0; frame < FRAMES; frame++) await writer.write(frameOf(frame));
      await assertRejects(
        () => writer.write({ width: 1, height: 1, data: new Uint8Array(3) }),
        FeatherdetError,
        "one size",
      );
      // Nothing lies at the name before it can be played.
      assert(![...Deno.readDirSync(folder)].some(({ name }) => name === "a:b.mp4"));
      await writer.close();
      assertEquals([...Deno.readDirSync(folder)].map(({ name }) => name), ["a:b.mp4"]);

      const bytes = await Deno.readFile(file);
      // MP4 keeps its index at the end, which a pipe cannot look up first.
      const remade = await greysOf(listSources([file]).sources[0].frames({}));
      for (const { greys, rates } of [remade]) {
        assertEquals([greys.length, ...rates], [FRAMES, 12.5]);
        greys.forEach((grey, frame) => assert(Math.abs(grey - greyOf(frame)) <= 3, `frame ${frame}: ${grey}`));
      }
      // The first frames only: the rest is given up, and ffmpeg with it.
      for await (const { frame } of listSources([file]).sources[0].frames({})) if (frame === 2) break;

      const stream = join(folder, "c.mkv"), other = new VideoWriter(stream, { width: WIDTH, height: HEIGHT }, 5);
      for (let frame = 0; frame < 3; frame++) await other.write(frameOf(frame));
      await other.close();
      const piped = pipeSource(() => ReadableStream.from([Deno.readFileSync(stream)]), "stdin");
      assertEquals((await greysOf(piped.frames({}))).greys.length, 3);

      await Deno.writeFile(file, bytes.subarray(0, 300));
      await assertRejects(() => greysOf(listSources([file]).sources[0].frames({})), FeatherdetError, "ffmpeg failed: ");
    }),
});

Deno.test("without ffmpeg a video is refused with the command that installs it", async () => {
  const path = Deno.env.get("PATH")!;
  await inFolder(async (folder) => {
    const file = join(folder, "clip.mp4");
    await Deno.writeTextFile(file, "x");
    Deno.env.set("PATH", folder);
    try {
      const error = await assertRejects(() => greysOf(listSources([file]).sources[0].frames({})), FeatherdetError);
      assertMatch(error.message, /clip\.mp4: videos and cameras need ffmpeg, which is not installed: .*install/);
    } finally {
      Deno.env.set("PATH", path);
    }
  });
});
