/**
 * Known-answer checks of what some backends accept and compute wrongly.
 *
 * Storage textures: OpenGL behind WebGPU ignores the first layer of a view. What the engine leans on is done once in small: layers
 * written through one view by a dispatch and read through another by the next. Packed dot products of bytes: they are young, and
 * replaced by compilers where the hardware has none; signs and extremes are tried.
 *
 * @module
 */

import { deviceError, lossOf, watch } from "./device_errors.ts";
import { createReadable, readMapped } from "./mapping.ts";

const WRITE = `
struct Params { base: vec4f }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var cells: texture_storage_2d_array<rgba32float, write>;
@compute @workgroup_size(4) fn main(@builtin(global_invocation_id) id: vec3u) {
  for (var layer = 0; layer < 2; layer++) {
    textureStore(cells, vec2i(i32(id.x), 2), layer, params.base + vec4f(f32(id.x), f32(layer), 0.5, -1.0));
  }
}`;

const READ = `
@group(0) @binding(0) var cells: texture_storage_2d_array<rgba32float, read>;
@group(0) @binding(1) var<storage, read_write> results: array<vec4f>;
@compute @workgroup_size(4) fn main(@builtin(global_invocation_id) id: vec3u) {
  results[id.x] = textureLoad(cells, vec2i(i32(id.x), 2), 0) * 2.0;
}`;

const WIDTH = 4;
const BASE = [100, 10, 3, 7];

function pipelineOf(device: GPUDevice, code: string): Promise<GPUComputePipeline> {
  return taken(device, () =>
    device.createComputePipelineAsync({
      layout: "auto",
      compute: { module: device.createShaderModule({ code }), entryPoint: "main" },
    }));
}

/** The result of calls that the device takes. Throws its error if it refuses one. */
async function taken<Result>(device: GPUDevice, work: () => Promise<Result>): Promise<Result> {
  const { result, fault } = watch(device, work);
  result.catch(() => {});
  const error = await fault;
  if (error) throw error;
  return await result;
}

async function storedAndRead(device: GPUDevice): Promise<Float32Array> {
  const [write, read] = await Promise.all([pipelineOf(device, WRITE), pipelineOf(device, READ)]);
  return await taken(device, () => storeAndRead(device, write, read));
}

async function storeAndRead(
  device: GPUDevice,
  write: GPUComputePipeline,
  read: GPUComputePipeline,
): Promise<Float32Array> {
  const texture = device.createTexture({
    size: [5, 3, 5],
    format: "rgba32float",
    // Without COPY_DST a texture is cleared by drawing, after which llvmpipe's timestamps no longer wait for dispatches.
    usage: GPUTextureUsage.STORAGE_BINDING | GPUTextureUsage.COPY_DST,
  });
  const buffer = (size: number, usage: number) => device.createBuffer({ size, usage });
  const params = buffer(512, GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST);
  const out = buffer(1024, GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC);
  const staging = createReadable(device, "self-check", 16 * WIDTH);
  device.queue.writeBuffer(params, 256, new Float32Array(BASE));
  const view = (baseArrayLayer: number, arrayLayerCount: number) =>
    texture.createView({ dimension: "2d-array", baseArrayLayer, arrayLayerCount });
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  const bind = (pipeline: GPUComputePipeline, entries: GPUBindGroupEntry[]) => {
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries }));
    pass.dispatchWorkgroups(1);
  };
  bind(write, [{ binding: 0, resource: { buffer: params, offset: 256, size: 16 } }, {
    binding: 1,
    resource: view(2, 2),
  }]);
  bind(read, [{ binding: 0, resource: view(3, 1) }, {
    binding: 1,
    resource: { buffer: out, offset: 512, size: 16 * WIDTH },
  }]);
  pass.end();
  encoder.copyBufferToBuffer(out, 512, staging, 0, 16 * WIDTH);
  device.queue.submit([encoder.finish()]);
  const copy = new Float32Array(await readMapped(staging, 16 * WIDTH));
  for (const resource of [texture, params, out, staging]) resource.destroy();
  return copy;
}

/**
 * What a check answers; undefined if the backend refuses its shaders or calls, which is an answer as well. Throws FeatherdetError where
 * nothing can be learned: without memory, and from a lost device.
 */
async function answerOf<T>(device: GPUDevice, check: (device: GPUDevice) => Promise<T>): Promise<T | undefined> {
  try {
    return await check(device);
  } catch (fault) {
    const error = await deviceError(device, "the checks at start-up", fault);
    if (fault instanceof GPUOutOfMemoryError || lossOf(device) !== undefined) throw error;
    return undefined;
  }
}

/** True where the device reads and writes ranges of layers of a storage texture as it was told. */
export async function storageTexturesWork(device: GPUDevice): Promise<boolean> {
  if (!navigator.gpu.wgslLanguageFeatures?.has("readonly_and_readwrite_storage_textures")) return false;
  const found = await answerOf(device, storedAndRead);
  const expected = (i: number) => 2 * (BASE[i % 4] + [i >> 2, 1, 0.5, -1][i % 4]);
  return found !== undefined && found.every((value, i) => value === expected(i));
}

const DOT = `
@group(0) @binding(0) var<storage, read_write> pairs: array<vec2u>;
@group(0) @binding(1) var<storage, read_write> dots: array<i32>;
@compute @workgroup_size(8) fn main(@builtin(global_invocation_id) id: vec3u) {
  dots[id.x] = 7 + dot4I8Packed(pairs[id.x].x, pairs[id.x].y);
}`;

/** Eight pairs of four signed bytes: extremes, and bytes whose sign matters in each place. */
const FACTORS = Int8Array.of(
  ...[-128, -128, -128, -128, -128, -128, -128, -128],
  ...[-128, -128, -128, -128, 127, 127, 127, 127],
  ...[127, 127, 127, 127, 127, 127, 127, 127],
  ...[-1, 0, 0, 0, 3, 100, 100, 100],
  ...[0, -2, 0, 0, 100, 5, 100, 100],
  ...[0, 0, -3, 0, 100, 100, -7, 100],
  ...[0, 0, 0, -4, 100, 100, 100, 11],
  ...[1, -2, 3, -4, -50, 60, 70, -80],
);

async function dots(device: GPUDevice): Promise<Int32Array> {
  const pipeline = await pipelineOf(device, DOT);
  return await taken(device, () => multiply(device, pipeline));
}

async function multiply(device: GPUDevice, pipeline: GPUComputePipeline): Promise<Int32Array> {
  const count = FACTORS.length / 8;
  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC;
  const pairs = device.createBuffer({ size: FACTORS.byteLength, usage });
  const out = device.createBuffer({ size: 4 * count, usage });
  const staging = createReadable(device, "self-check", 4 * count);
  device.queue.writeBuffer(pairs, 0, FACTORS);
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  pass.setPipeline(pipeline);
  const entries = [pairs, out].map((buffer, binding) => ({ binding, resource: { buffer } }));
  pass.setBindGroup(0, device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries }));
  pass.dispatchWorkgroups(1);
  pass.end();
  encoder.copyBufferToBuffer(out, 0, staging, 0, 4 * count);
  device.queue.submit([encoder.finish()]);
  const copy = new Int32Array(await readMapped(staging, 4 * count));
  for (const resource of [pairs, out, staging]) resource.destroy();
  return copy;
}

/** True where the device has packed dot products of signed bytes and computes them right. */
export async function packedDotWorks(device: GPUDevice): Promise<boolean> {
  if (!navigator.gpu.wgslLanguageFeatures?.has("packed_4x8_integer_dot_product")) return false;
  const found = await answerOf(device, dots);
  const expected = (i: number) =>
    [0, 1, 2, 3].reduce((sum, lane) => sum + FACTORS[8 * i + lane] * FACTORS[8 * i + 4 + lane], 7);
  return found !== undefined && found.every((value, i) => value === expected(i));
}
