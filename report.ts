/**
 * Plots and tables of what was measured, and what is needed to measure: models and data sets by name. For programs on Deno; `mod.ts` alone
 * serves browsers.
 *
 * ```ts
 * import { demoDetector, Detector } from "./mod.ts";
 * import { profilePlot } from "./report.ts";
 *
 * const detector = await Detector.load(demoDetector({ size: 64 }));
 * const svg = profilePlot(await detector.profile(1), { title: "Demo detector", subtitle: detector.device.adapter.name });
 * console.log(svg.startsWith("<svg")); // true: `Deno.writeTextFile("profile.svg", svg)` keeps it
 * detector.destroy();
 * ```
 *
 * @module
 */

export * from "./src/report/plot/mod.ts";
export * from "./src/report/table/mod.ts";
export { loadModel } from "./src/host/models.ts";
export type { NamedOptions } from "./src/models/named.ts";
export { openDataset, type OpenOptions } from "./src/data/open.ts";
