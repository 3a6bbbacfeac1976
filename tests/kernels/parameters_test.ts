/** The structs of parameters of shaders against their TypeScript side. */

import { assertEquals, assertThrows } from "@std/assert";
import { openSharedDevice } from "../../src/gpu/device.ts";
import { FeatherdetError } from "../../src/graph/error.ts";
import {
  blocked,
  f32,
  i32,
  type Kernel,
  type Parameters,
  struct,
  u32,
  vec2i,
  vec4i,
} from "../../src/kernels/kernel.ts";
import { linkKernel } from "../../src/kernels/link.ts";
import { checkParameters, packParameters, uniformLeaves } from "../../src/kernels/parameters.ts";
import { planModel } from "../../src/detect/plan_model.ts";
import { Program } from "../../src/engine/program.ts";
import { demoDetector } from "../../src/models/demo_detector.ts";
import { blockedLayout } from "../support/compare.ts";
import { gpuTest } from "../support/gpu.ts";

const CODE = `
struct Blocked {
  width: i32, height: i32,
  channels: i32, // of all: blocks
  blocks: i32, batch: i32, columns: i32, rise: i32,
  inverseColumns: f32, scale: f32, zero: f32, low: f32, high: f32,
  firstPlane: i32, firstRow: i32, spareA: i32, spareB: i32,
}
struct Inner { low: vec4i, high: f32 }
struct Params {
  map: Blocked,
  inner: Inner,         // 64 .. 96
  count: i32,
  place: vec2i,
  last: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
`;

const RIGHT: Parameters = {
  map: blocked(blockedLayout([1, 5, 3, 7])),
  inner: struct({ low: vec4i([1, 2, 3, 4]), high: f32(0.5) }),
  count: i32(6),
  place: vec2i(7, 8),
  last: u32(9),
};

function kernelOf(parameters: Parameters): Kernel {
  const none = { constants: {}, bindings: [], workgroups: [1, 1, 1] } as const;
  return { label: "sample", shader: "some/sample.wgsl", parameters, ...none };
}

Deno.test("a struct is read from WGSL with the places of its members", () => {
  const leaves = uniformLeaves(CODE)!;
  // By hand from the WGSL specification, 14.4.1: vec4i aligns to 16, so does a struct that has one, vec2i to 8.
  assertEquals(leaves.slice(-5), [
    { name: "inner.low", type: "vec4i", offset: 64 },
    { name: "inner.high", type: "f32", offset: 80 },
    { name: "count", type: "i32", offset: 96 },
    { name: "place", type: "vec2i", offset: 104 },
    { name: "last", type: "u32", offset: 112 },
  ]);
  assertEquals(leaves.slice(2, 4), [
    { name: "map.channels", type: "i32", offset: 8 },
    { name: "map.blocks", type: "i32", offset: 12 },
  ]);
  const bytes = packParameters(RIGHT), words = new Int32Array(bytes);
  assertEquals([...words.subarray(0, 5)], [7, 3, 5, 2, 1]);
  assertEquals([...new Float32Array(bytes, 28, 5)], [Math.fround(1 / words[5]), 1, 0, -128, 127]);
  assertEquals([64, 80, 96, 104, 108, 112].map((at) => words[at / 4]), [1, 0x3f000000, 6, 7, 8, 9]);
});

Deno.test("equal structs pass, others are one sentence that names shader, kernel and member", () => {
  const check = (parameters: Parameters, code = CODE) => () =>
    checkParameters(kernelOf(parameters), uniformLeaves(code));
  check(RIGHT)();
  const { map, inner, count, place, last } = RIGHT;
  const refused = (parameters: Parameters, what: string, code?: string) =>
    assertThrows(check(parameters, code), FeatherdetError, what);
  // Two of one type in another order, a type, one too few and one too many, one that lies elsewhere.
  refused(
    { map, inner, amount: count, place, last },
    'is "amount: i32" at byte 96, its shader has "count: i32" at byte 96',
  );
  refused({ map, inner, count: f32(6), place, last }, '"count: f32"');
  refused({ map, inner, count, place }, 'is nothing, its shader has "last: u32" at byte 112');
  refused({ ...RIGHT, more: u32(1) }, '"more: u32" at byte 116, its shader has nothing');
  refused({ map, inner, place, count, last }, '"place: vec2i" at byte 96');
  refused({ map, inner: struct({ low: f32(1), high: f32(1) }), count, place, last }, '"inner.low: f32"');
  refused(RIGHT, "shaders/some/sample.wgsl", CODE.replace("count: i32", "number: i32"));
  refused(RIGHT, '"map.rise: i32"', CODE.replace("rise: i32,\n", "rise: f32,\n"));
  refused(RIGHT, "its shader has nothing", "@compute fn main() {}");
});

Deno.test("inner structs begin at multiples of 16", () => {
  assertThrows(() => packParameters({ a: i32(1), b: struct({ c: i32(2) }) }), FeatherdetError, '"b" begins at byte 4');
});

Deno.test("every kernel of a detector's frame fills the struct of its shader", () => {
  const isInt8 = () => false;
  for (const storage of ["texture", "buffer"] as const) {
    const { plan, dispatches } = planModel(demoDetector({ size: 64 }), { precision: "f32", storage });
    for (const { kernel } of dispatches) checkParameters(kernel, uniformLeaves(linkKernel(kernel, plan.form, isInt8)));
  }
});

gpuTest("a program is not made of a kernel whose parameters are not its shader's", async () => {
  const device = await openSharedDevice();
  const { plan } = planModel(demoDetector({ size: 64 }), { precision: "f32", storage: "buffer" });
  const at = plan.dispatches.findIndex(({ kernel }) => kernel.shader === "conv/direct.wgsl");
  const { kernel } = plan.dispatches[at];
  const { tilesX, tiles, ...others } = kernel.parameters;
  const dispatches = plan.dispatches.with(at, {
    ...plan.dispatches[at],
    kernel: { ...kernel, parameters: { ...others, tiles, tilesX } },
  });
  const error = await Program.create(device, { ...plan, dispatches }).then(() => undefined, (error) => error);
  assertEquals(error instanceof FeatherdetError && error.message.includes("conv/direct.wgsl"), true, String(error));
});
