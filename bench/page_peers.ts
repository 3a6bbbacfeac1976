/**
 * Featherdet in a browser beside onnxruntime-web and `@ultralytics/yolo`: time to first boxes, milliseconds a frame, megabytes loaded.
 *
 * `deno run -A bench/page_peers.ts --peers node_modules [--only featherdet] [--frames 10] [--out bench/results/FILE.json]`
 *
 * Needs Chromium, and a folder where both packages were installed (`npm install --ignore-scripts onnxruntime-web @ultralytics/yolo`), for this
 * measuring only. Each engine and model is a browser of its own with an empty profile and SwiftShader as its adapter, which can reach
 * nothing but this machine. The first boxes are counted from the navigation on: scripts, model, shaders, the first run. A frame goes from
 * pixels to boxes; onnxruntime-web's letterbox and suppression are plain JavaScript here. Bytes are those of the page's requests, not
 * compressed.
 *
 * @module
 */

import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { bundleScript } from "../src/host/page/bundle_script.ts";
import { serveFolder } from "../src/host/page/serve_folder.ts";
import { findChromium } from "../tests/browser/chromium.ts";
import { BrowserPage } from "../tests/browser/devtools.ts";

const { values } = parseArgs({
  options: {
    peers: { type: "string", default: "node_modules" },
    only: { type: "string" },
    frames: { type: "string", default: "10" },
    seconds: { type: "string", default: "90" },
    out: { type: "string" },
  },
});
const ROOT = new URL("../", import.meta.url);

/** Models by their file, with the precision that Featherdet computes them in. */
const MODELS = [["bccd", "f32"], ["bccd-pruned", "f32"], ["bccd-pruned-int8", "int8"]] as const;

/** What all pages have: the picture's pixels at hand, the clock, and the report. */
const COMMON = `
const blob = await (await fetch("sample.jpg")).blob(), bitmap = await createImageBitmap(blob);
const canvas = new OffscreenCanvas(bitmap.width, bitmap.height), context = canvas.getContext("2d");
context.drawImage(bitmap, 0, 0);
const pixels = context.getImageData(0, 0, bitmap.width, bitmap.height);
async function measure(run, frames) {
  const found = await run(), first = performance.now(), times = [];
  for (let i = 0; i < frames; i++) {
    const started = performance.now();
    await run();
    times.push(performance.now() - started);
  }
  times.sort((a, b) => a - b);
  const bytes = performance.getEntriesByType("resource").reduce((sum, { encodedBodySize }) => sum + encodedBodySize, 0);
  globalThis.report = { found, first, median: times[times.length >> 1], bytes };
}`;

/** Letterbox, onnxruntime-web, decoding, suppression. */
const ORT = (provider: string) => `
import * as ort from "./peers/onnxruntime-web/dist/ort.webgpu.bundle.min.mjs";
ort.env.wasm.wasmPaths = new URL("./peers/onnxruntime-web/dist/", location.href).href;
ort.env.wasm.numThreads = 1;
const session = await ort.InferenceSession.create(MODEL, { executionProviders: ["${provider}"] });
const SIZE = 320, small = new OffscreenCanvas(SIZE, SIZE), paper = small.getContext("2d", { willReadFrequently: true });
function overlap(a, b) {
  const width = Math.min(a[2], b[2]) - Math.max(a[0], b[0]), height = Math.min(a[3], b[3]) - Math.max(a[1], b[1]);
  const both = Math.max(0, width) * Math.max(0, height), area = (c) => (c[2] - c[0]) * (c[3] - c[1]);
  return both / (area(a) + area(b) - both);
}
await measure(async () => {
  const scale = Math.min(SIZE / pixels.width, SIZE / pixels.height), high = pixels.height * scale;
  context.putImageData(pixels, 0, 0);
  paper.fillStyle = "rgb(114 114 114)";
  paper.fillRect(0, 0, SIZE, SIZE);
  paper.drawImage(canvas, 0, (SIZE - high) / 2, pixels.width * scale, high);
  const { data } = paper.getImageData(0, 0, SIZE, SIZE), input = new Float32Array(3 * SIZE * SIZE);
  for (let i = 0; i < SIZE * SIZE; i++) for (let c = 0; c < 3; c++) input[c * SIZE * SIZE + i] = data[4 * i + c] / 255;
  const results = await session.run({ [session.inputNames[0]]: new ort.Tensor("float32", input, [1, 3, SIZE, SIZE]) });
  const { data: out, dims: [, rows, anchors] } = results[session.outputNames[0]], boxes = [];
  for (let a = 0; a < anchors; a++) for (let c = 4; c < rows; c++) {
    const score = out[c * anchors + a];
    if (score < 0.25) continue;
    const [x, y, w, h] = [0, 1, 2, 3].map((r) => out[r * anchors + a]);
    boxes.push([x - w / 2, y - h / 2, x + w / 2, y + h / 2, score, c]);
  }
  boxes.sort((a, b) => b[4] - a[4]);
  const kept = [];
  for (const box of boxes) if (!kept.some((one) => one[5] === box[5] && overlap(one, box) > 0.7)) kept.push(box);
  return kept.length;
}, FRAMES);`;

/** The program of each engine's page. */
const ENGINES: Readonly<Record<string, string>> = {
  featherdet: `
import { Detector } from "./featherdet.js";
const detector = await Detector.load(new URL(MODEL, location.href), { precision: PRECISION, start: "full" });
await measure(async () => {
  const { width, height, data } = pixels, rgb = new Uint8Array(width * height * 3);
  for (let i = 0; i < width * height; i++) for (let c = 0; c < 3; c++) rgb[3 * i + c] = data[4 * i + c];
  return (await detector.detect({ width, height, data: rgb })).length;
}, FRAMES);`,
  "onnxruntime-web, WebGPU": ORT("webgpu"),
  "onnxruntime-web, CPU": ORT("wasm"),
  "@ultralytics/yolo, WebGPU": `
import { YOLO } from "./peers/@ultralytics/yolo/dist/index.js";
const runtime = new URL("./peers/onnxruntime-web/dist/", location.href).href;
const model = await YOLO.load(new URL(MODEL, location.href).href, { device: "webgpu", ortBaseUrl: runtime });
await measure(async () => (await model.predict(pixels, { conf: 0.25, iou: 0.7 })).boxes.length, FRAMES);
globalThis.report.device = model.device;`,
};

async function versionOf(name: string): Promise<string> {
  return JSON.parse(await Deno.readTextFile(join(values.peers, name, "package.json"))).version;
}

/** Measures one engine on one model; an error is a result too. */
async function measureOne(url: string, folder: string, name: string, model: string, precision: string) {
  const constants = `const MODEL = "${model}.onnx", PRECISION = "${precision}", FRAMES = ${values.frames};`;
  const imports = /^import .*$/gm, program = ENGINES[name].trimStart();
  const script = [...program.match(imports) ?? [], constants, COMMON, program.replaceAll(imports, "")].join("\n");
  const html = `<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><script type="module">
addEventListener("unhandledrejection", ({ reason }) => globalThis.report = { error: String(reason?.message ?? reason) });
addEventListener("error", ({ message }) => globalThis.report = { error: message });
</script><script type="module">\n${script}\n</script>`;
  await Deno.writeTextFile(join(folder, "index.html"), html);
  const page = await BrowserPage.open(findChromium()!, ["--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"]);
  const limit = Number(values.seconds) * 1000;
  try {
    await page.go(url);
    const report = await page.evaluate<Record<string, unknown>>(`new Promise((done) => {
      const timer = setInterval(() => globalThis.report && (clearInterval(timer), done(globalThis.report)), 50);
      setTimeout(() => done({ error: "no boxes within ${values.seconds} s" }), ${limit});
    })`);
    return { engine: name, model, ...report };
  } finally {
    await page.close();
  }
}

const folder = await Deno.makeTempDir({ prefix: "featherdet-peers-" });
try {
  await Deno.writeTextFile(
    join(folder, "featherdet.js"),
    await bundleScript(new URL("mod.ts", ROOT), { minify: true }),
  );
  await Deno.copyFile(fileURLToPath(new URL("data/pictures/blood_cells.jpg", ROOT)), join(folder, "sample.jpg"));
  for (const [model] of MODELS) {
    await Deno.copyFile(fileURLToPath(new URL(`data/models/${model}.onnx`, ROOT)), join(folder, `${model}.onnx`));
  }
  await Deno.symlink(resolve(values.peers), join(folder, "peers"));
  const served = serveFolder(folder, 0), rows = [];
  for (const [model, precision] of MODELS) {
    for (
      const name of Object.keys(ENGINES).filter((name) => values.only === undefined || name.startsWith(values.only))
    ) {
      const row = await measureOne(served.url, folder, name, model, precision).catch((error) => ({
        ...{ engine: name, model, error: (error as Error).message },
      }));
      console.error(JSON.stringify(row));
      rows.push(row);
    }
  }
  await served.stop();
  const record = {
    date: new Date().toISOString(),
    adapter: "SwiftShader in headless Chromium",
    command: "deno run -A bench/page_peers.ts",
    load: Deno.loadavg()[0],
    versions: {
      "onnxruntime-web": await versionOf("onnxruntime-web"),
      "@ultralytics/yolo": await versionOf("@ultralytics/yolo"),
    },
    units: { first: "ms from navigation to the first boxes", median: "ms a frame", bytes: "loaded" },
    rows,
  };
  if (values.out !== undefined) await Deno.writeTextFile(values.out, `${JSON.stringify(record, null, 1)}\n`);
} finally {
  await Deno.remove(folder, { recursive: true });
}
