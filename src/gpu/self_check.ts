/**
 * A known-answer check of storage textures: some backends accept every call and compute something else (OpenGL behind WebGPU
 * ignores the first layer of a view). What the engine leans on is done once in small: layers written through one view by a
 * dispatch and read through another by the next.
 *
 * @module
 */

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

async function results(device: GPUDevice): Promise<Float32Array> {
  const pipeline = (code: string) =>
    device.createComputePipelineAsync({
      layout: "auto",
      compute: { module: device.createShaderModule({ code }), entryPoint: "main" },
    });
  const [write, read] = await Promise.all([pipeline(WRITE), pipeline(READ)]);
  const texture = device.createTexture({
    size: [5, 3, 5],
    format: "rgba32float",
    // Without COPY_DST a texture is cleared by drawing, after which llvmpipe's timestamps no longer wait for dispatches.
    usage: GPUTextureUsage.STORAGE_BINDING | GPUTextureUsage.COPY_DST,
  });
  const buffer = (size: number, usage: number) => device.createBuffer({ size, usage });
  const params = buffer(512, GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST);
  const out = buffer(1024, GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC);
  const staging = buffer(16 * WIDTH, GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST);
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
  await staging.mapAsync(GPUMapMode.READ);
  const copy = new Float32Array(staging.getMappedRange().slice(0));
  for (const resource of [texture, params, out, staging]) resource.destroy();
  return copy;
}

/** True where the device reads and writes ranges of layers of a storage texture as it was told. */
export async function storageTexturesWork(device: GPUDevice): Promise<boolean> {
  if (!navigator.gpu.wgslLanguageFeatures?.has("readonly_and_readwrite_storage_textures")) return false;
  device.pushErrorScope("validation");
  // A backend that refuses the shaders or calls has answered as well.
  const found = await results(device).catch(() => undefined);
  const invalid = await device.popErrorScope();
  const expected = (i: number) => 2 * (BASE[i % 4] + [i >> 2, 1, 0.5, -1][i % 4]);
  return !invalid && found !== undefined && found.every((value, i) => value === expected(i));
}
