/**
 * `page`: builds the web page, and serves it on this machine or writes it for a static host.
 *
 * @module
 */

import { buildPage } from "../host/page/build_page.ts";
import { serveFolder } from "../host/page/serve_folder.ts";
import { integerIn } from "./arguments.ts";
import { stopSignal } from "./stop_signal.ts";
import { action, verb } from "./verb.ts";

/** Where the page is unless it is asked for elsewhere. */
const BUILT = ".cache/page";

/** The verb `page`. */
export const pageVerb = verb(
  "page",
  "Serve the web page that shows detectors side by side, or write it for a static host.",
  "deno task page --out site",
)
  .option("--out <folder>", "write the page there for a static host, and serve nothing")
  .option("--port <number>", "where it is served", integerIn(0, 65535), 8080)
  .option("--no-cpu", "leave out the CPU engine, onnxruntime-web, which is downloaded once (40 MB)")
  .action(async (options) => {
    await action<typeof options>(async ({ out, port, cpu: isWithCpu }, output) => {
      output.note("building the page");
      const { script, models, absent, cpu } = await buildPage(out ?? BUILT, { cpu: isWithCpu });
      if (absent.length > 0) output.note(`not here and not on the page: ${absent.join(", ")}`);
      const size = `${Math.round(script.bytes / 1000)} kB, ${Math.round(script.gzip / 1000)} kB as gzip`;
      output.line(`page with ${models} models in ${out ?? BUILT}, its script is ${size}`);
      if (cpu !== undefined) {
        output.line(`the CPU engine beside it is ${(cpu / 1e6).toFixed(1)} MB, loaded when it is chosen`);
      }
      const built = { folder: out ?? BUILT, script, models, absent, ...cpu !== undefined && { cpu } };
      if (out !== undefined) return built;
      const served = serveFolder(BUILT, port);
      const stop = stopSignal(output, "stopping");
      output.line(`open ${served.url} in a browser, Ctrl-C ends`);
      stop.signal.addEventListener("abort", () => served.stop());
      try {
        await served.finished;
      } finally {
        stop.release();
      }
      return { ...built, url: served.url };
    })(options);
  });
