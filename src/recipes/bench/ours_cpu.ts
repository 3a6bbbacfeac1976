/**
 * The CPU engine at one size: loaded, ready to be measured in turn with others, and measured on its own.
 *
 * @module
 */

import { Detector } from "../../detect/detector.ts";
import { summarize, timed } from "../../eval/latency.ts";
import { middleHalf } from "../../eval/time_ratio.ts";
import { measureLatency } from "../../eval/measure_latency.ts";
import { loadOnnx } from "../../onnx/mod.ts";
import { Session } from "../../engine/session.ts";
import type { Ours, OursRequest } from "./ours.ts";

/** Loads the model into the CPU engine and runs it once. */
export async function loadOnCpu(
  { model, path, size, image, input, runs }: Omit<OursRequest, "precision" | "storage" | "profile">,
): Promise<Ours> {
  const read = await timed(() => loadOnnx(path));
  const graph = read.value;
  const create = await timed(() => Session.create(graph, { engine: "cpu" }));
  const session = create.value;
  const feeds = { [graph.inputs[0].name]: input };
  const first = await timed(() => session.run(feeds));
  return {
    run: () => session.run(feeds),
    async finish(runTimes) {
      const { adapter } = session;
      session.destroy();
      const detector = await Detector.load(graph, { engine: "cpu" });
      const { detect, stream } = await measureLatency(detector, image, { runs });
      detector.destroy();
      return {
        engine: "featherdet/cpu",
        model,
        size,
        precision: graph.nodes.some(({ op }) => op === "QuantizeLinear") ? "int8" : "f32",
        adapter: adapter.name,
        load: { read: read.milliseconds, create: create.milliseconds },
        firstRun: first.milliseconds,
        start: {},
        run: summarize(runTimes),
        middle: middleHalf(runTimes),
        detect,
        stream,
      };
    },
  };
}
