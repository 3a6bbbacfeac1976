/**
 * Times of a graph's nodes on the CPU, from onnxruntime's own profile.
 *
 * @module
 */

import { join } from "node:path";
import { importRuntime, type OrtSessionOptions } from "../engine/cpu/runtime.ts";
import type { Graph } from "../graph/graph.ts";
import { GraphIndex } from "../graph/graph_index.ts";
import { saveOnnx } from "../onnx/mod.ts";
import type { InputTensor } from "../engine/tensors.ts";

/** What the profile says of one kernel. */
interface ProfileEvent {
  readonly cat?: string;
  readonly name: string;
  /** Microseconds. */
  readonly ts: number;
  readonly dur: number;
}

const KERNEL = /_kernel_time$/;

/** The node of a kernel: names begin with that of the node, or with that of its output where layouts were changed. */
function nodeFinder({ graph }: GraphIndex): (kernel: string) => string | undefined {
  const names = new Map(graph.nodes.flatMap(({ name, outputs }) => [name, ...outputs].map((one) => [one, name])));
  return (kernel) => {
    for (let end = kernel.length; end > 0; end--) {
      const found = names.get(kernel.slice(0, end));
      if (found !== undefined) return found;
    }
    return undefined;
  };
}

/**
 * Milliseconds by the name of the node, the median of `runs`. Kernels that onnxruntime adds, such as changes of layout, count to the node
 * before them.
 *
 * Throws FeatherdetError if the runtime cannot be loaded.
 */
export async function profileOnCpu(
  graph: Graph,
  inputs: Readonly<Record<string, InputTensor>>,
  { runs = 9, threads }: { readonly runs?: number; readonly threads?: number } = {},
): Promise<Map<string, number>> {
  const runtime = await importRuntime();
  const folder = await Deno.makeTempDir({ prefix: "featherdet-profile-" });
  try {
    const options: OrtSessionOptions = {
      executionProviders: ["cpu"],
      ...threads !== undefined && { intraOpNumThreads: threads },
      logSeverityLevel: 3,
      enableProfiling: true,
      profileFilePrefix: join(folder, "nodes"),
    };
    const session = await runtime.InferenceSession.create(saveOnnx(graph), options);
    const feeds = Object.fromEntries(
      Object.entries(inputs).map(([name, { shape, data }]) => {
        const isBytes = data instanceof Uint8Array;
        return [name, new runtime.Tensor(isBytes ? "uint8" : "float32", data, shape)];
      }),
    );
    // The first runs are for caches.
    for (let run = 0; run < runs + 2; run++) await session.run(feeds);
    session.endProfiling();
    await session.release();
    const [{ name }] = [...Deno.readDirSync(folder)];
    const events: ProfileEvent[] = JSON.parse(await Deno.readTextFile(join(folder, name)));
    return mediansByNode(events, graph, runs);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Sums the kernels of each run by node, and takes the median of the last `runs`. */
export function mediansByNode(events: readonly ProfileEvent[], graph: Graph, runs: number): Map<string, number> {
  const nodeOf = nodeFinder(GraphIndex.of(graph));
  const kernels = events.filter(({ cat, name }) => cat === "Node" && KERNEL.test(name)).sort((a, b) => a.ts - b.ts);
  const [first] = kernels;
  const starts = kernels.flatMap(({ name }, at) => name === first.name ? [at] : []).slice(-runs);
  const sums = starts.map((start, i) => {
    const row = new Map<string, number>();
    let node = graph.nodes[0].name;
    for (const { name, dur } of kernels.slice(start, starts[i + 1])) {
      node = nodeOf(name.replace(KERNEL, "")) ?? node;
      row.set(node, (row.get(node) ?? 0) + dur / 1000);
    }
    return row;
  });
  const nodes = new Set(sums.flatMap((row) => [...row.keys()]));
  return new Map([...nodes].map((node) => {
    const sorted = sums.map((row) => row.get(node) ?? 0).sort((a, b) => a - b);
    return [node, sorted[sorted.length >> 1]];
  }));
}
