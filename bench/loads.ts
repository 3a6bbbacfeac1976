/**
 * Measures how fast shaders load from each kind of memory on the adapter at hand, which decides how activations are stored:
 * `deno run -A bench/loads.ts`. Prints G elements a second, all threads together, medians of GPU time.
 *
 * @module
 */

import { adapterText, openDevice } from "../src/gpu/device.ts";
import { PassTimer } from "../src/gpu/timing.ts";

const LOADS = 16, ROUNDS = 200, THREADS = 64, GROUPS = 32, RUNS = 9;

interface Kind {
  readonly name: string;
  readonly declaration: string;
  /** The i-th load of round c. */
  readonly load: (i: number) => string;
  readonly memory: "storage" | "uniform" | "sampled" | "storage texture";
}

const KINDS: readonly Kind[] = [
  {
    name: "storage buffer",
    declaration: "var<storage, read_write> x: array<vec4f>;",
    load: (i) => `x[id.x + c * 64u + ${i}u]`,
    memory: "storage",
  },
  {
    name: "uniform buffer, one address for all threads",
    declaration: "var<uniform> x: array<vec4f, 4096>;",
    load: (i) => `x[c * 16u + ${i}u]`,
    memory: "uniform",
  },
  {
    name: "sampled texture array",
    declaration: "var x: texture_2d_array<f32>;",
    load: (i) => `textureLoad(x, vec2u(id.x & 511u, c) + vec2u(${i}u, 0u), c & 3u, 0)`,
    memory: "sampled",
  },
  {
    name: "read-only storage texture array",
    declaration: "var x: texture_storage_2d_array<rgba32float, read>;",
    load: (i) => `textureLoad(x, vec2u(id.x & 511u, c) + vec2u(${i}u, 0u), c & 3u)`,
    memory: "storage texture",
  },
];

const { device, adapter } = await openDevice();

function resource(memory: Kind["memory"]): GPUBindingResource {
  if (memory === "storage" || memory === "uniform") {
    return {
      buffer: device.createBuffer({
        size: memory === "uniform" ? 1 << 16 : 1 << 22,
        usage: GPUBufferUsage.STORAGE | GPUBufferUsage.UNIFORM,
      }),
    };
  }
  const usage = GPUTextureUsage.TEXTURE_BINDING | GPUTextureUsage.STORAGE_BINDING | GPUTextureUsage.COPY_DST;
  return device.createTexture({ size: [600, 220, 4], format: "rgba32float", usage }).createView({
    dimension: "2d-array",
  });
}

function layout(memory: Kind["memory"]): Omit<GPUBindGroupLayoutEntry, "binding" | "visibility"> {
  if (memory === "storage") return { buffer: { type: "storage" } };
  if (memory === "uniform") return { buffer: { type: "uniform" } };
  if (memory === "sampled") return { texture: { sampleType: "unfilterable-float", viewDimension: "2d-array" } };
  return { storageTexture: { access: "read-only", format: "rgba32float", viewDimension: "2d-array" } };
}

async function measure({ declaration, load, memory }: Kind): Promise<number> {
  const sums = Array.from({ length: LOADS }, (_, i) => `a${i % 4} += ${load(i)};`).join("\n");
  const code = `@group(0) @binding(0) var<storage, read_write> y: array<vec4f>;
@group(0) @binding(1) ${declaration}
@compute @workgroup_size(${THREADS}) fn main(@builtin(global_invocation_id) id: vec3u) {
  var a0 = vec4f(); var a1 = vec4f(); var a2 = vec4f(); var a3 = vec4f();
  for (var c = 0u; c < ${ROUNDS}u; c++) {\n${sums}\n}
  y[id.x] = a0 + a1 + a2 + a3;
}`;
  const visibility = GPUShaderStage.COMPUTE;
  const groupLayout = device.createBindGroupLayout({
    entries: [{ binding: 0, visibility, buffer: { type: "storage" } }, { binding: 1, visibility, ...layout(memory) }],
  });
  const pipeline = device.createComputePipeline({
    layout: device.createPipelineLayout({ bindGroupLayouts: [groupLayout] }),
    compute: { module: device.createShaderModule({ code }), entryPoint: "main" },
  });
  const y = device.createBuffer({ size: 16 * THREADS * GROUPS, usage: GPUBufferUsage.STORAGE });
  const entries = [{ binding: 0, resource: { buffer: y } }, { binding: 1, resource: resource(memory) }];
  const group = device.createBindGroup({ layout: groupLayout, entries });
  const times = await PassTimer.timeDispatches(device, {
    dispatchCount: RUNS + 1,
    encode: (pass, first, end) => {
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, group);
      for (let i = first; i < end; i++) pass.dispatchWorkgroups(GROUPS);
    },
  });
  // The first run compiles.
  const median = times.slice(1).sort((a, b) => a - b)[RUNS >> 1];
  return GROUPS * THREADS * LOADS * ROUNDS * 4 / median / 1e6;
}

console.log(`adapter: ${adapterText(adapter)}`);
for (const kind of KINDS) console.log(`${kind.name.padEnd(45)} ${(await measure(kind)).toFixed(2)} G elements/s`);
device.destroy();
