/**
 * Measures whether convolutions should read weights of one or two bits and unpack them themselves, or find them as floats:
 * `deno run -A bench/low_bit.ts`. Prints GPU time over that with f32 weights, of the least and the median of interleaved runs, and the
 * time that unpacking once takes. docs/low-bit.md draws the conclusion.
 *
 * The shaders are the direct convolution of `shaders/conv/direct.wgsl` cut down to what matters here: tile, taps, padding, bias. A word
 * holds 16 ternary weights (4 inputs x 4 outputs of a tap) as fields in two's complement, or 32 binary ones as sign bits; four words
 * are loaded at once, and the scale multiplies the sums. `--buffer` keeps all in storage buffers, as on hardware.
 *
 * @module
 */

import { adapterText, openDevice } from "../src/gpu/device.ts";
import { createReadable, readMapped } from "../src/gpu/mapping.ts";
import { type BindingLayout, pipelineFor } from "../src/gpu/pipelines.ts";
import { PassTimer } from "../src/gpu/timing.ts";
import { packedBytes, unpackWeights } from "../src/graph/mod.ts";

const RUNS = 25;

/** Bits of a weight in memory. */
const KINDS = [32, 2, 1] as const;
type Kind = typeof KINDS[number];

/** A convolution of stride 1 that keeps the size of its square input. */
interface Layer {
  readonly kernel: 1 | 3;
  readonly inputs: number;
  readonly outputs: number;
  readonly size: number;
  /** Pixels in a row, rows, and blocks of four outputs that a thread computes. */
  readonly tile: readonly [x: number, y: number, outBlocks: number];
}

const LAYERS: readonly Layer[] = [
  { kernel: 3, inputs: 64, outputs: 64, size: 80, tile: [5, 4, 1] },
  { kernel: 3, inputs: 128, outputs: 128, size: 20, tile: [5, 4, 1] },
  { kernel: 3, inputs: 128, outputs: 128, size: 20, tile: [2, 2, 1] },
  { kernel: 1, inputs: 128, outputs: 128, size: 40, tile: [5, 2, 2] },
  { kernel: 1, inputs: 256, outputs: 256, size: 20, tile: [5, 2, 2] },
  { kernel: 1, inputs: 256, outputs: 256, size: 20, tile: [2, 2, 1] },
];

const { device, adapter, timestamps } = await openDevice();
if (!timestamps) throw new Error("the adapter measures no GPU time");
const storage = Deno.args.includes("--buffer") ? "buffer" : "texture";
const workgroup = adapter.software ? 8 : 64;

/** Extents of memory: cells of four values in a row, rows, layers. */
type Extents = readonly [columns: number, rows: number, layers: number];

/** Weights as 4 x 4 matrices in the order of reading: outputs of the group, taps. */
function extentsOf({ kernel, inputs, outputs, tile: [, , outBlocks] }: Layer, kind: Kind): Extents {
  const loads = Math.ceil(16 * outBlocks * kernel * kernel * kind / 128);
  // One more row for the biases, and the scales behind them.
  return [Math.max(loads, 2 * outBlocks), inputs / 4 + 1, outputs / (4 * outBlocks)];
}

const list = <T>(count: number, make: (i: number) => T): T[] => Array.from({ length: count }, (_, i) => make(i));
const lines = (count: number, make: (i: number) => string) => list(count, make).join("\n");

/** Memory that a shader reads by `NAME_at(column, row, layer)`. */
function reading(name: string, binding: number, type: "f" | "u", [columns, rows]: Extents): string {
  const head = `@group(0) @binding(${binding}) var`;
  const at = `fn ${name}_at(column: i32, row: i32, layer: i32) -> vec4${type}`;
  return storage === "texture"
    ? `${head} ${name}: texture_storage_2d_array<rgba32${type === "f" ? "float" : "uint"}, read>;
${at} { return textureLoad(${name}, vec2i(column, row), layer); }`
    : `${head}<storage, read> ${name}: array<vec4${type}>;
${at} { return ${name}[(layer * ${rows} + row) * ${columns} + column]; }`;
}

/** The four columns of the matrix number `index`, out of a cell of floats each or out of a word. */
function matrix(kind: Kind, index: number): string {
  return lines(4, (c) => {
    const name = `w_${index}_${c}`;
    if (kind === 32) return `let ${name} = weights_at(${4 * index + c}, block, layer);`;
    const bit = kind * (16 * index + 4 * c), word = bit >> 5;
    const shifts = list(4, (lane) => `${32 - kind - (bit + kind * lane) % 32}u`).join(", ");
    const fields = `(vec4u(cell_${word >> 2}[${word & 3}]) << vec4u(${shifts}))`;
    return kind === 2
      ? `let ${name} = vec4f(bitcast<vec4i>${fields} >> vec4u(30u));`
      : `let ${name} = bitcast<vec4f>((${fields} & vec4u(0x80000000u)) | vec4u(0x3f800000u));`;
  });
}

function shader(layer: Layer, kind: Kind): string {
  const { kernel, inputs, size, tile: [tileX, tileY, outBlocks] } = layer;
  const taps = kernel * kernel, blocks = inputs / 4, pad = kernel >> 1;
  const width = tileX + kernel - 1, height = tileY + kernel - 1;
  const tilesX = Math.ceil(size / tileX), tiles = tilesX * Math.ceil(size / tileY);
  const pixels = (make: (j: number, i: number) => string) => lines(tileY, (j) => lines(tileX, (i) => make(j, i)));
  const last = (column: number) => {
    const cell = `weights_at(${column}, ${blocks}, layer)`;
    return kind === 32 ? cell : `bitcast<vec4f>(${cell})`;
  };
  const cells = Math.ceil(16 * outBlocks * taps * kind / 128);
  const writing = storage === "texture"
    ? `@group(0) @binding(2) var y: texture_storage_2d_array<rgba32float, write>;
fn store(u: i32, v: i32, block: i32, value: vec4f) { textureStore(y, vec2i(u, v), block, value); }`
    : `@group(0) @binding(2) var<storage, read_write> y: array<vec4f>;
fn store(u: i32, v: i32, block: i32, value: vec4f) { y[(block * ${size} + v) * ${size} + u] = value; }`;
  const input = (j: number, i: number) => {
    const load = `x_at(cx_${i}, cy_${j}, block)`;
    return `let x_${j}_${i} = ${kernel === 1 ? load : `select(vec4f(), ${load}, inX_${i} && inY_${j})`};`;
  };
  const product = (x: string, w: string) => list(4, (c) => `${x}.${"xyzw"[c]} * ${w}_${c}`).join(" + ");
  return `${reading("x", 0, "f", [size, size, blocks])}
${reading("weights", 1, kind === 32 ? "f" : "u", extentsOf(layer, kind))}
${writing}
@compute @workgroup_size(${workgroup}) fn main(@builtin(global_invocation_id) id: vec3u) {
let tile = min(i32(id.x), ${tiles - 1});
let u0 = tile % ${tilesX} * ${tileX};
let v0 = tile / ${tilesX} * ${tileY};
let layer = i32(id.y);
${lines(outBlocks, (o) => pixels((j, i) => `var sum_${o}_${j}_${i} = vec4f();`))}
${
    lines(width, (i) =>
      `let cx_${i} = clamp(u0 + ${i - pad}, 0, ${size - 1}); let inX_${i} = cx_${i} == u0 + ${i - pad};`)
  }
${
    lines(height, (j) =>
      `let cy_${j} = clamp(v0 + ${j - pad}, 0, ${size - 1}); let inY_${j} = cy_${j} == v0 + ${j - pad};`)
  }
for (var block = 0; block < ${blocks}; block++) {
${lines(height, (j) => lines(width, (i) => input(j, i)))}
${kind === 32 ? "" : lines(cells, (i) => `let cell_${i} = weights_at(${i}, block, layer);`)}
${lines(outBlocks * taps, (index) => matrix(kind, index))}
${
    lines(outBlocks, (o) =>
      pixels((j, i) =>
        lines(taps, (t) => {
          const x = `x_${j + Math.floor(t / kernel)}_${i + t % kernel}`;
          return `sum_${o}_${j}_${i} += ${product(x, `w_${o * taps + t}`)};`;
        })
      ))
  }
}
${
    lines(outBlocks, (o) =>
      pixels((j, i) => {
        const scale = kind === 32 ? "" : ` * ${last(outBlocks + o)}`;
        return `if (u0 + ${i} < ${size} && v0 + ${j} < ${size}) {
store(u0 + ${i}, v0 + ${j}, layer * ${outBlocks} + ${o}, sum_${o}_${j}_${i}${scale} + ${last(o)});
}`;
      }))
  }
}`;
}

/** The same weights in memory for each kind: level(output, input, tap) times scale(output), and a bias. */
function packed(
  layer: Layer,
  kind: Kind,
  level: (o: number, i: number, t: number) => number,
): Float32Array | Uint32Array {
  const { kernel, inputs, outputs, tile: [, , outBlocks] } = layer;
  const taps = kernel * kernel;
  const [columns, rows, layers] = extentsOf(layer, kind);
  const words = new Uint32Array(4 * columns * rows * layers), floats = new Float32Array(words.buffer);
  for (let o = 0; o < outputs; o++) {
    const group = Math.floor(o / (4 * outBlocks)), block = (o >> 2) % outBlocks;
    const bottom = (group * rows + rows - 1) * columns;
    floats[4 * (bottom + block) + o % 4] = biasOf(o);
    if (kind !== 32) floats[4 * (bottom + outBlocks + block) + o % 4] = scaleOf(o);
    for (let i = 0; i < inputs; i++) {
      const row = 4 * (group * rows + (i >> 2)) * columns;
      for (let t = 0; t < taps; t++) {
        const place = 16 * (block * taps + t) + 4 * (i & 3) + o % 4;
        if (kind === 32) {
          floats[row + place] = level(o, i, t) * scaleOf(o);
        } else {
          const field = kind === 2 ? level(o, i, t) & 3 : level(o, i, t) < 0 ? 1 : 0;
          words[row + (place * kind >> 5)] |= field << (place * kind & 31);
        }
      }
    }
  }
  return kind === 32 ? floats : words;
}

const biasOf = (o: number) => (o % 5 - 2) / 8;
const scaleOf = (o: number) => (1 + o % 7) / 32;

/** Memory filled with data; what is not given is zero. */
function memoryOf([columns, rows, layers]: Extents, type: "float" | "uint", data?: Float32Array | Uint32Array) {
  const bytes = 16 * columns * rows * layers;
  if (storage === "buffer") {
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
    const buffer = device.createBuffer({ size: bytes, usage });
    if (data) device.queue.writeBuffer(buffer, 0, data as Float32Array<ArrayBuffer>);
    return { buffer, bytes, resource: { buffer } };
  }
  const texture = device.createTexture({
    size: [columns, rows, layers],
    format: `rgba32${type}`,
    usage: GPUTextureUsage.STORAGE_BINDING | GPUTextureUsage.COPY_DST | GPUTextureUsage.COPY_SRC,
  });
  const layout = { bytesPerRow: 16 * columns, rowsPerImage: rows };
  if (data) device.queue.writeTexture({ texture }, data as Float32Array<ArrayBuffer>, layout, [columns, rows, layers]);
  return { texture, bytes, resource: texture.createView({ dimension: "2d-array" }) };
}

async function readBack({ buffer, texture, bytes }: ReturnType<typeof memoryOf>, [columns, rows, layers]: Extents) {
  const bytesPerRow = texture ? Math.ceil(16 * columns / 256) * 256 : 16 * columns;
  const size = texture ? bytesPerRow * rows * layers : bytes;
  const staging = createReadable(device, "readback", size);
  const encoder = device.createCommandEncoder();
  if (texture) {
    const target = { buffer: staging, bytesPerRow, rowsPerImage: rows };
    encoder.copyTextureToBuffer({ texture }, target, [columns, rows, layers]);
  } else {
    encoder.copyBufferToBuffer(buffer!, 0, staging, 0, size);
  }
  device.queue.submit([encoder.finish()]);
  const mapped = new Float32Array(await readMapped(staging, size));
  staging.destroy();
  const values = new Float32Array(4 * columns * rows * layers);
  for (let row = 0; row < rows * layers; row++) {
    values.set(mapped.subarray(row * bytesPerRow / 4, row * bytesPerRow / 4 + 4 * columns), row * 4 * columns);
  }
  return values;
}

function bindingLayout(access: "read-only" | "write-only", type: "float" | "uint"): BindingLayout {
  if (storage === "buffer") return { buffer: { type: access === "read-only" ? "read-only-storage" : "storage" } };
  return { storageTexture: { access, format: `rgba32${type}`, viewDimension: "2d-array" } };
}

/** A kind ready to run, and what it writes. */
async function prepare(layer: Layer, kind: Kind, x: ReturnType<typeof memoryOf>) {
  // Levels that both kinds have, so that all compute the same.
  const level = (o: number, i: number, t: number) => (o * 7 + i * 3 + t * 5 + (o * i) % 11) % 3 === 0 ? -1 : 1;
  const type = kind === 32 ? "float" : "uint";
  const weights = memoryOf(extentsOf(layer, kind), type, packed(layer, kind, level));
  const y = memoryOf([layer.size, layer.size, layer.outputs / 4], "float");
  const layouts = [
    bindingLayout("read-only", "float"),
    bindingLayout("read-only", type),
    bindingLayout("write-only", "float"),
  ];
  const pipeline = await pipelineFor(device, `weights of ${kind} bits`, shader(layer, kind), layouts);
  const entries = [x, weights, y].map(({ resource }, binding) => ({ binding, resource }));
  const group = device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries });
  return { pipeline, group, y };
}

const median = (times: readonly number[]) => times.toSorted((a, b) => a - b)[times.length >> 1];

async function measure(layer: Layer): Promise<string> {
  const { kernel, inputs, outputs, size, tile } = layer;
  const [tileX, tileY, outBlocks] = tile;
  const pixels = Float32Array.from({ length: size * size * inputs }, (_, i) => Math.sin(i * 0.7) * 2);
  const x = memoryOf([size, size, inputs / 4], "float", pixels);
  const kinds = await Promise.all(KINDS.map((kind) => prepare(layer, kind, x)));
  const workgroups = Math.ceil(Math.ceil(size / tileX) * Math.ceil(size / tileY) / workgroup);
  const times = await PassTimer.timeDispatches(device, {
    dispatchCount: KINDS.length * (RUNS + 1),
    encode: (pass, first, end) => {
      for (let i = first; i < end; i++) {
        const { pipeline, group } = kinds[i % KINDS.length];
        pass.setPipeline(pipeline);
        pass.setBindGroup(0, group);
        pass.dispatchWorkgroups(workgroups, outputs / (4 * outBlocks));
      }
    },
  });
  const results = await Promise.all(kinds.map(({ y }) => readBack(y, [size, size, outputs / 4])));
  for (const result of results.slice(1)) {
    const off = result.reduce((most, value, i) => Math.max(most, Math.abs(value - results[0][i])), 0);
    const largest = results[0].reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    if (!(off <= 1e-5 * largest)) throw new Error(`packed weights compute something else: off by ${off} of ${largest}`);
  }
  // The first run of each compiles.
  const ofKind = KINDS.map((_, k) => times.slice(KINDS.length).filter((_, i) => i % KINDS.length === k));
  const ratios = ofKind.slice(1).map((list) => {
    const least = Math.min(...list) / Math.min(...ofKind[0]);
    return `${least.toFixed(2)} (${(median(list) / median(ofKind[0])).toFixed(2)})`;
  });
  const loads = KINDS.map((kind) => Math.ceil(16 * outBlocks * kernel * kernel * kind / 128));
  const cells = (tileX + kernel - 1) * (tileY + kernel - 1);
  const name = `${kernel}x${kernel} ${inputs}->${outputs} at ${size}x${size}, tile ${tile.join("x")}`;
  return `${name.padEnd(38)} ${ratios.map((ratio) => ratio.padEnd(14)).join("")} ${loads.join("/")} of ${cells}`;
}

/** Milliseconds that the host takes to unpack as many weights as YOLO11n has. */
function unpackTime(bits: 1 | 2): number {
  const shape = [256, 10_000], scale = new Float32Array(256).fill(0.1);
  const bytes = new Uint8Array(packedBytes(bits, 2_560_000)).fill(0b01100001);
  const times = list(5, () => {
    const start = performance.now();
    unpackWeights({ bits, shape }, bytes, scale);
    return performance.now() - start;
  });
  return Math.min(...times);
}

console.log(
  `adapter: ${adapterText(adapter)}, ${storage}s; time over that of f32 weights`,
);
console.log(
  `${"".padEnd(38)} 2 bits        1 bit          loads a block of inputs: weights of 32/2/1 bits, input cells`,
);
for (const layer of LAYERS) console.log(await measure(layer));
for (const bits of [2, 1] as const) {
  console.log(`unpacking 2.56 million ${bits}-bit weights once, on the host: ${unpackTime(bits).toFixed(0)} ms`);
}
device.destroy();
