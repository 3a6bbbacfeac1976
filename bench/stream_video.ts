/**
 * `detect` on a video: are frames in order, is memory flat, and does Ctrl-C leave a video that can be played?
 *
 * `deno run -A bench/stream_video.ts [--model bccd-everything] [--precision int8] [--frames 300] [--out bench/results/FILE.json]`
 *
 * Needs ffmpeg and ffprobe, and `../shared/data` for pictures. The clip is ffmpeg's moving test picture with pictures of BCCD and COCO pasted
 * into it, ten frames each, so that no two frames are alike. `detect` runs on it as a program of its own, whose memory is read from `/proc`
 * each half second. Some frames are then taken out as PNG files and detected alone: the streamed results at their numbers have to be theirs.
 *
 * @module
 */

import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { adapterText, openSharedDevice } from "../src/gpu/device.ts";
import type { ImageResult } from "../src/cli/detections.ts";

const CLI = fileURLToPath(new URL("../src/cli.ts", import.meta.url));
const DATA = new URL("../../shared/data/", import.meta.url);
const { values } = parseArgs({
  options: {
    model: { type: "string", default: "bccd-everything" },
    precision: { type: "string", default: "int8" },
    frames: { type: "string", default: "300" },
    out: { type: "string" },
  },
});
const FRAMES = Number(values.frames), HELD = 10;

async function run(program: string, args: readonly string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(program, { args: [...args] }).output();
  const text = new TextDecoder();
  if (!success) throw new Error(`${program}: ${text.decode(stderr)}`);
  return text.decode(stdout);
}

/** Pictures of both sets in turn. */
function pictures(count: number): string[] {
  const listed = ["bccd/images/", "coco/val/"].map((folder) => {
    const url = new URL(folder, DATA);
    const images = [...Deno.readDirSync(url)].some(({ name }) => name === "images") ? new URL("images/", url) : url;
    return [...Deno.readDirSync(images)].filter(({ name }) => name.endsWith(".jpg")).map(({ name }) => name).sort()
      .map((name) => fileURLToPath(new URL(name, images)));
  });
  return Array.from({ length: count }, (_, at) => listed[at % 2][at >> 1]);
}

async function makeClip(folder: string): Promise<string> {
  const list = pictures(Math.ceil(FRAMES / HELD)).map((file) => `file '${file}'\nduration ${HELD / 25}\n`).join("");
  await Deno.writeTextFile(join(folder, "list.txt"), list);
  const clip = join(folder, "clip.mp4");
  const pasted = "[0:v]scale=480:360,setsar=1,fps=25[p];[1:v][p]overlay=120:80";
  await run("ffmpeg", [
    ...["-loglevel", "error", "-f", "concat", "-safe", "0", "-i", join(folder, "list.txt")],
    ...["-f", "lavfi", "-i", "testsrc2=size=640x480:rate=25", "-filter_complex", pasted],
    ...["-frames:v", String(FRAMES), "-pix_fmt", "yuv420p", clip],
  ]);
  return clip;
}

/** What ffprobe counts by decoding all of a video. */
async function probe(file: string): Promise<{ frames: number; seconds: number }> {
  const fields = ["-show_entries", "stream=nb_read_frames:format=duration", "-of", "json"];
  const { streams: [stream], format } = JSON.parse(
    await run("ffprobe", ["-v", "error", "-count_frames", ...fields, file]),
  );
  return { frames: Number(stream.nb_read_frames), seconds: Number(format.duration) };
}

const residentOf = (pid: number) => {
  const [, kilobytes] = /VmRSS:\s+(\d+)/.exec(Deno.readTextFileSync(`/proc/${pid}/status`)) ?? [];
  return Number(kilobytes) / 1024;
};

const start = (args: readonly string[]) =>
  new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", CLI, "detect", "--model", values.model, "--precision", values.precision, ...args],
    ...{ stdout: "piped", stderr: "null" },
  }).spawn();

/** Runs `detect` and keeps its lines; interrupts it behind some of them. */
async function stream(args: readonly string[], interruptAt = Infinity) {
  const child = start([...args, "--jsonl"]), results: ImageResult[] = [];
  const memory: { frames: number; mebibytes: number }[] = [];
  const timer = setInterval(() => {
    const mebibytes = residentOf(child.pid);
    // A program that is ending has none.
    if (results.length > 0 && mebibytes > 0) memory.push({ frames: results.length, mebibytes: Math.round(mebibytes) });
  }, 500);
  let rest = "", first = 0;
  for await (const part of child.stdout.pipeThrough(new TextDecoderStream())) {
    const [...complete] = (rest + part).split("\n");
    rest = complete.pop() ?? "";
    if (results.length === 0 && complete.length > 0) first = performance.now();
    const before = results.length;
    results.push(...complete.map((line) => JSON.parse(line)));
    if (before < interruptAt && results.length >= interruptAt) child.kill("SIGINT");
  }
  clearInterval(timer);
  const { code } = await child.status;
  return { results, memory, code, milliseconds: (performance.now() - first) / Math.max(1, results.length - 1) };
}

const isInOrder = (results: readonly ImageResult[]) => results.every(({ frame }, at) => frame === at);

/** The greatest distance of a box's edge between a streamed frame and the same frame alone. */
function distance(streamed: ImageResult, alone: ImageResult): number {
  if (streamed.detections.length !== alone.detections.length) return Infinity;
  const apart = streamed.detections.map(({ box, classId }, at) => {
    const other = alone.detections[at];
    return classId !== other.classId ? Infinity : Math.max(...box.map((edge, i) => Math.abs(edge - other.box[i])));
  });
  return Math.max(0, ...apart);
}

const folder = await Deno.makeTempDir({ prefix: "featherdet-video-" });
try {
  const clip = await makeClip(folder), drawn = join(folder, "drawn.mp4");
  const full = await stream(["--image", clip, "--draw", drawn]);

  const checked = Array.from({ length: 12 }, (_, at) => Math.floor((at + 0.5) * FRAMES / 12));
  const select = checked.map((frame) => `eq(n,${frame})`).join("+");
  await Deno.mkdir(join(folder, "alone"));
  await run("ffmpeg", [
    ...["-loglevel", "error", "-i", clip, "-vf", `select='${select}'`, "-vsync", "0", "-pix_fmt", "rgb24"],
    join(folder, "alone", "%03d.png"),
  ]);
  const alone = await stream(["--image", join(folder, "alone")]);
  const distances = checked.map((frame, at) => distance(full.results[frame], alone.results[at]));
  // Frames next to each other differ, so a shift by one would be seen.
  const shifted = checked.map((frame, at) => distance(full.results[frame - HELD], alone.results[at]));

  const stopped = join(folder, "stopped.mp4"), interrupted = await stream(["--image", clip, "--draw", stopped], 100);
  const half = full.memory.filter(({ frames }) => frames >= FRAMES / 4);
  const record = {
    ...{ date: new Date().toISOString(), adapter: adapterText((await openSharedDevice()).adapter) },
    command:
      `deno run -A bench/stream_video.ts --model ${values.model} --precision ${values.precision} --frames ${FRAMES}`,
    ffmpeg: (await run("ffmpeg", ["-version"])).split("\n")[0],
    frames: full.results.length,
    inOrder: isInOrder(full.results),
    sameAsAlone: { frames: checked.length, pixels: Math.max(...distances), tenFramesOff: Math.min(...shifted) },
    millisecondsPerFrame: Math.round(full.milliseconds * 10) / 10,
    memory: {
      unit: "MiB resident, behind a quarter of the frames",
      least: Math.min(...half.map(({ mebibytes }) => mebibytes)),
      most: Math.max(...half.map(({ mebibytes }) => mebibytes)),
      last: full.memory.at(-1)?.mebibytes,
      samples: full.memory.filter((_, at) => at % 10 === 0),
    },
    drawn: await probe(drawn),
    interrupted: {
      code: interrupted.code,
      results: interrupted.results.length,
      inOrder: isInOrder(interrupted.results),
      drawn: await probe(stopped),
    },
    left: [...Deno.readDirSync(folder)].filter(({ name }) => name.endsWith(".partial")).length,
  };
  const text = JSON.stringify(record, null, 1);
  console.log(text);
  if (values.out !== undefined) await Deno.writeTextFile(values.out, `${text}\n`);
} finally {
  await Deno.remove(folder, { recursive: true });
}
