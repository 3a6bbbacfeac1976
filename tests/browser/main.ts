/**
 * The page's program: detects on a synthetic picture in the browser and sends what it found to the server that the page came from.
 *
 * @module
 */

import {
  demoDetector,
  Detector,
  encodePng,
  Session,
  type SessionOptions,
  syntheticPicture,
  yolo11,
} from "../../mod.ts";
import { BROWSER_CASE, type BrowserReport } from "./case.ts";

/** Where the server has onnxruntime-web. */
const RUNTIME: string = "/onnxruntime/ort.wasm.min.mjs";

/** The least time of three runs of YOLO11n at 320. */
async function timeOf(options: SessionOptions): Promise<number> {
  const graph = yolo11({ size: 320 }), session = await Session.create(graph, options);
  const [{ name, shape }] = graph.inputs;
  const feeds = { [name]: { shape, data: new Float32Array(3 * 320 * 320).fill(0.4) } };
  let least = Infinity;
  for (let run = 0; run < 4; run++) {
    const started = performance.now();
    await session.run(feeds);
    // The first one compiles.
    if (run > 0) least = Math.min(least, performance.now() - started);
  }
  session.destroy();
  return least;
}

async function report(): Promise<BrowserReport> {
  const { image } = syntheticPicture(BROWSER_CASE.picture);
  const detector = await Detector.load(demoDetector({ size: BROWSER_CASE.size }));
  const pixels = await detector.detect(image);
  // Through the browser's own image decoder.
  const file = await detector.detect(await encodePng(image));
  const { adapter } = detector;
  detector.destroy();
  const runtime = await import(RUNTIME);
  runtime.env.wasm.wasmPaths = new URL("/onnxruntime/", location.href).href;
  const options = { engine: "cpu", cpu: { runtime, threads: 1 } } as const;
  const cpu = await Detector.load(demoDetector({ size: BROWSER_CASE.size }), options);
  const onCpu = await cpu.detect(image);
  const { name } = cpu.adapter;
  cpu.destroy();
  const milliseconds = { webgpu: await timeOf({}), cpu: await timeOf({ engine: "cpu", cpu: { runtime } }) };
  return { adapter, agent: navigator.userAgent, pixels, file, onCpu, cpu: name, milliseconds };
}

const post = (body: unknown) => fetch("/report", { method: "POST", body: JSON.stringify(body) });

report().then(
  post,
  (error) => post({ error: error instanceof Error ? `${error.message}\n${error.stack}` : String(error) }),
);
