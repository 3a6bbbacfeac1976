/**
 * The page's program: detects on a synthetic picture in the browser and sends what it found to the server that the page came from.
 *
 * @module
 */

import { demoDetector, Detector, encodePng, syntheticPicture } from "../../mod.ts";
import { BROWSER_CASE, type BrowserReport } from "./case.ts";

async function report(): Promise<BrowserReport> {
  const { image } = syntheticPicture(BROWSER_CASE.picture);
  const detector = await Detector.load(demoDetector({ size: BROWSER_CASE.size }));
  const pixels = await detector.detect(image);
  // Through the browser's own image decoder.
  const file = await detector.detect(await encodePng(image));
  const { adapter } = detector.device;
  detector.destroy();
  return { adapter, agent: navigator.userAgent, pixels, file };
}

const post = (body: unknown) => fetch("/report", { method: "POST", body: JSON.stringify(body) });

report().then(
  post,
  (error) => post({ error: error instanceof Error ? `${error.message}\n${error.stack}` : String(error) }),
);
