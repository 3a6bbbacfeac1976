/** Videos through ffmpeg: what was written is read again, in order and in full. Where ffmpeg is missing, that is one sentence. */

import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { join } from "node:path";
import { FeatherdetError } from "../../../src/graph/error.ts";
import { findFfmpeg, startFfmpeg } from "../../../src/host/sources/ffmpeg.ts";
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

/** Runs ffmpeg; gives what it writes. */
async function ffmpeg(...args: string[]): Promise<Uint8Array> {
  const { child, ended } = startFfmpeg(["-nostdin", "-loglevel", "error", ...args], "test", {
    ...{ stdin: "null", stdout: "piped" },
  });
  const [bytes] = await Promise.all([new Response(child.stdout).bytes(), ended()]);
  return bytes;
}

Deno.test({
  name: `a drawn video has its source's sound, as long as its frames${hasFfmpeg ? "" : " (ignored: no ffmpeg)"}`,
  ignore: !hasFfmpeg,
  fn: () =>
    inFolder(async (folder) => {
      const clip = join(folder, "clip.mp4");
      await ffmpeg(
        ...["-f", "lavfi", "-i", `color=gray:size=${WIDTH + 1}x${HEIGHT + 1}:rate=10:duration=2`],
        ...["-f", "lavfi", "-i", "sine=frequency=440:duration=2", "-ac", "1", clip],
      );
      const soundOf = (file: string) => ffmpeg("-i", `file:${file}`, "-map", "0:a", "-f", "s16le", "pipe:1");
      const whole = await soundOf(clip);
      // Of all frames, and of the first five as after Ctrl-C: half a second, within two blocks of AAC.
      for (const [name, taken, seconds] of [["all.mp4", 20, 2], ["some.mp4", 5, 0.5], ["other.avi", 20, 2]] as const) {
        let writer: VideoWriter | undefined, left: number = taken;
        for await (const { image, video } of listSources([clip]).sources[0].frames({})) {
          const picture = await image();
          writer ??= new VideoWriter(join(folder, name), picture, video?.rate, video?.sound);
          await writer.write(picture);
          if (--left === 0) break;
        }
        assertEquals(await writer?.close(), undefined);
        const sound = await soundOf(join(folder, name));
        const bytes = 2 * 44100 * seconds;
        assert(Math.abs(sound.length - bytes) <= 2 * 2048, `${name}: ${sound.length} of ${bytes}`);
        if (name === "other.avi") continue;
        // The sound itself, not another.
        const most = bytes - 2 * 4096;
        assertEquals(sound.subarray(0, most), whole.subarray(0, most));
        assertEquals((await greysOf(listSources([join(folder, name)]).sources[0].frames({}))).greys.length, taken);
      }
      // What has no sound stays without, and a sound that is gone does not cost the video.
      const lost = new VideoWriter(join(folder, "lost.mp4"), { width: WIDTH, height: HEIGHT }, 5, ["-i", "file:none"]);
      await lost.write(frameOf(0));
      assertMatch((await lost.close())!, /lost\.mp4 has no sound: ffmpeg failed: /);
      assertEquals((await greysOf(listSources([lost.file]).sources[0].frames({}))).greys.length, 1);
      assertEquals([...Deno.readDirSync(folder)].length, 5);
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
