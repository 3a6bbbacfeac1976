/** The core in a browser: bundled, opened in headless Chromium on its software adapter, it finds what Deno finds. */

import { assert, assertEquals } from "@std/assert";
import { syntheticPicture } from "../../src/data/synthetic.ts";
import { ORT_VERSION } from "../../src/engine/cpu/runtime.ts";
import { Detector } from "../../src/detect/detector.ts";
import { demoDetector } from "../../src/models/demo_detector.ts";
import { bundleScript } from "../../src/host/page/bundle_script.ts";
import { compareDetections, printDetection } from "../support/detections.ts";
import { BROWSER_CASE, type BrowserReport } from "./case.ts";
import { findChromium, INSTALL_CHROMIUM, reportOf } from "./chromium.ts";

Deno.test("the bundled core finds in headless Chromium what it finds in Deno", async () => {
  const chromium = findChromium();
  assert(chromium, `no Chromium was found: install it with \`${INSTALL_CHROMIUM}\`, or name it in $CHROMIUM`);
  // Deno has the package from here on; the page fetches its files.
  await import(`npm:onnxruntime-web@${ORT_VERSION}/wasm`);
  const script = await bundleScript(new URL("main.ts", import.meta.url));
  const report = await reportOf(chromium, script, 300) as BrowserReport | { error: string };
  if ("error" in report) throw new Error(`in the browser: ${report.error}`);

  const { image, objects } = syntheticPicture(BROWSER_CASE.picture);
  const detector = await Detector.load(demoDetector({ size: BROWSER_CASE.size }));
  const expected = await detector.detect(image);
  detector.destroy();
  console.log(
    `${report.agent}: ${report.adapter.vendor} ${report.adapter.architecture}, YOLO11n at 320 in ms: ${
      JSON.stringify(report.milliseconds)
    }\n${report.pixels.map(printDetection).join("\n")}`,
  );
  assertEquals(expected.length, objects.length);
  assertEquals(report.cpu, "CPU (onnxruntime, one thread)");
  for (const found of [report.pixels, report.file, report.onCpu]) {
    const { onlyFirst, onlySecond } = compareDetections(expected, found, { iou: 0.999, score: 1e-4 });
    assertEquals([onlyFirst, onlySecond].map((list) => list.map(printDetection)), [[], []]);
    assertEquals(found.map(({ label }) => label), expected.map(({ label }) => label));
  }
});
