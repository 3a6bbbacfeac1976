/**
 * The page's program: detects on a synthetic picture in the browser and sends what it found to the server that the page came from.
 *
 * @module
 */

import { demoDetector, Detector, encodePng, syntheticPicture } from "../../mod.ts";
import { BROWSER_CASE, type BrowserReport } from "./case.ts";

/** Where the server has onnxruntime-web. */
const RUNTIME: string = "/onnxruntime/ort.wasm.min.mjs";

/** The least time of five frames. */
async function timeOf(work: () => Promise<unknown>): Promise<number> {
  let least = Infinity;
  for (let run = 0; run < 5; run++) {
    const started = performance.now();
    await work();
    least = Math.min(least, performance.now() - started);
  }
  return least;
}

async function report(): Promise<BrowserReport> {
  const { image } = syntheticPicture(BROWSER_CASE.picture);
  const detector = await Detector.load(demoDetector({ size: BROWSER_CASE.size }));
  const pixels = await detector.detect(image);
  // Through the browser's own image decoder.
  const file = await detector.detect(await encodePng(image));
  const { adapter } = detector;
  const milliseconds = { webgpu: await timeOf(() => detector.detect(image)), cpu: NaN };
  detector.destroy();
  const runtime = await import(RUNTIME);
  runtime.env.wasm.wasmPaths = new URL("/onnxruntime/", location.href).href;
  const options = { engine: "cpu", cpu: { runtime, threads: 1 } } as const;
  const cpu = await Detector.load(demoDetector({ size: BROWSER_CASE.size }), options);
  const onCpu = await cpu.detect(image);
  milliseconds.cpu = await timeOf(() => cpu.detect(image));
  const { name } = cpu.adapter;
  cpu.destroy();
  return { adapter, agent: navigator.userAgent, pixels, file, onCpu, cpu: name, milliseconds };
}

const post = (body: unknown) => fetch("/report", { method: "POST", body: JSON.stringify(body) });

report().then(
  post,
  (error) => post({ error: error instanceof Error ? `${error.message}\n${error.stack}` : String(error) }),
);
