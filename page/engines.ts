/**
 * What a browser can run models on: the graphics processor through WebGPU. An engine for the CPU gets its row here.
 *
 * @module
 */

/** One way to run models. */
export interface Engine {
  readonly id: "webgpu" | "cpu";
  /** What the choice is called. */
  readonly title: string;
  /** Why it cannot be used here, as a sentence; undefined where it can. */
  readonly missing: () => Promise<string | undefined>;
}

/** The engines, the one that is taken by itself first. */
export const ENGINES: readonly Engine[] = [
  {
    id: "webgpu",
    title: "graphics processor (WebGPU)",
    async missing() {
      // Older browsers do not have the property that the types promise.
      const gpu = (navigator as Partial<Navigator>).gpu;
      if (gpu === undefined) return "This browser has no WebGPU.";
      const adapter = await gpu.requestAdapter().catch(() => null);
      return adapter === null ? "This browser has WebGPU, but found no graphics adapter for it." : undefined;
    },
  },
  {
    id: "cpu",
    title: "CPU",
    // Whoever adds the engine makes this undefined where it can be loaded, and hands `id` to `Detector.load` in `shown_model.ts`.
    missing: () => Promise.resolve("The CPU engine is not in this build."),
  },
];

/** An engine with what was found out about it. */
export interface FoundEngine extends Engine {
  readonly why?: string;
}

/** Asks all engines. */
export async function findEngines(): Promise<FoundEngine[]> {
  return await Promise.all(ENGINES.map(async (engine) => ({ ...engine, why: await engine.missing() })));
}
