/** Ctrl-C while `detect` draws a video: what was drawn can be played, frame by frame with what was printed. */

import { assert, assertEquals } from "@std/assert";
import { join } from "node:path";
import { syntheticPicture } from "../../src/data/synthetic.ts";
import { findFfmpeg } from "../../src/host/sources/ffmpeg.ts";
import { listSources } from "../../src/host/sources/open.ts";
import { VideoWriter } from "../../src/host/sources/write_video.ts";
import { demoDetector } from "../../src/models/demo_detector.ts";
import { saveOnnx } from "../../src/onnx/mod.ts";
import { command, ownLines } from "../support/command_line.ts";
import { inFolder } from "../support/data_folders.ts";

const hasFfmpeg = findFfmpeg() !== undefined && Deno.build.os !== "windows";

Deno.test({
  name: `Ctrl-C leaves a video of the frames that were printed${hasFfmpeg ? "" : " (ignored: no ffmpeg)"}`,
  ignore: !hasFfmpeg,
  fn: () =>
    inFolder(async (folder) => {
      const [model, clip, drawn] = ["model.onnx", "clip.mkv", "drawn.mp4"].map((name) => join(folder, name));
      await Deno.writeFile(model, saveOnnx(demoDetector({ size: 64 })));
      const size = { width: 64, height: 64 };
      const { image } = syntheticPicture({ seed: 11, ...size, sizes: [20, 30], objects: 2 });
      const writer = new VideoWriter(clip, size, 25);
      for (let frame = 0; frame < 3000; frame++) await writer.write(image);
      await writer.close();
      const child = command(["detect", "--model", model, "--image", clip, "--draw", drawn, "--jsonl"]).spawn();
      const stderr = new Response(child.stderr).text();
      let stdout = "";
      for await (const part of child.stdout.pipeThrough(new TextDecoderStream())) {
        if (stdout === "") child.kill("SIGINT");
        stdout += part;
      }
      assertEquals((await child.status).code, 130);
      const lines = stdout.trim().split("\n").map((line) => JSON.parse(line));
      assert(lines.length > 0 && lines.length < 3000, `${lines.length}`);
      assertEquals(lines.map(({ frame }) => frame), lines.map((_, at) => at));
      assertEquals(ownLines(await stderr).at(-1), `interrupted after ${lines.length} images`);
      let frames = 0;
      for await (const _ of listSources([drawn]).sources[0].frames({})) frames++;
      assertEquals(frames, lines.length);
      assertEquals([...Deno.readDirSync(folder)].length, 3);
    }),
});
