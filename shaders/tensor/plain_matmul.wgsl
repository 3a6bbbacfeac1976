// Products of plain matrices, register tiled: y = activate(alpha * A B (+ beta * C)), for every index of the leading axes.
//
// `steps` are the elements from row to row and column to column of A, then of B: a transposed matrix is one with them exchanged.
// Leading axes are merged (src/kernels/strided.ts), with step 0 where an operand is broadcast. SAME == 1: B is A's tensor.
// Dispatch: a thread for every TILE_Y x TILE_X tile of every product (lib/walk.wgsl).
#const TILE_X = 8
#const TILE_Y = 4
#const SAME = 0
#const ADDEND = 0
#const RANK = 1

#include "lib/walk.wgsl"
struct Params {
  extents: Axes,
  leadA: Axes,
  leadB: Axes,
  steps: vec4i,
  rowC: i32,
  columnC: i32,
  products: i32,
  rows: i32,
  columns: i32,
  depth: i32,
  tilesX: i32,
  tilesY: i32,
  alpha: f32,
  beta: f32,
  activationA: f32,
  activationB: f32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> a: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
#if SAME == 0
@group(0) @binding(3) var<storage, read_write> b: array<f32>;
fn load_b(at: i32) -> f32 { return b[at]; }
#else
fn load_b(at: i32) -> f32 { return a[at]; }
#end
#if ADDEND == 1
@group(0) @binding($(4 - SAME)) var<storage, read_write> c: array<f32>;
#end
#include "lib/activation.wgsl"

@compute @workgroup_size(WORKGROUP)
fn main(thread: Thread) {
  let tiles = params.tilesX * params.tilesY;
  let tile = min(linearIndex(thread), tiles * params.products - 1);
  let which = tile / tiles;
  let tileRow = (tile - which * tiles) / params.tilesX;
  let v0 = tileRow * TILE_Y;
  let u0 = (tile - which * tiles - tileRow * params.tilesX) * TILE_X;
  let lead = indexOf(which, params.extents);
  let firstA = dotSteps(lead, params.leadA);
  let firstB = dotSteps(lead, params.leadB);
  // Rows and columns past the last repeat it.
#for j in 0..TILE_Y
  let v_$j = min(v0 + $j, params.rows - 1);
  let a_$j = firstA + v_$j * params.steps.x;
#for i in 0..TILE_X
  var acc_$(j)_$i = 0.0;
#end
#end
#for i in 0..TILE_X
  let u_$i = min(u0 + $i, params.columns - 1);
  let b_$i = firstB + u_$i * params.steps.w;
#end
  for (var k = 0; k < params.depth; k++) {
#for j in 0..TILE_Y
    let left_$j = a[a_$j + k * params.steps.y];
#end
#for i in 0..TILE_X
    let right_$i = load_b(b_$i + k * params.steps.z);
#end
#for j in 0..TILE_Y
#for i in 0..TILE_X
    acc_$(j)_$i += left_$j * right_$i;
#end
#end
  }
#for j in 0..TILE_Y
#for i in 0..TILE_X
  {
    var value = params.alpha * acc_$(j)_$i;
#if ADDEND == 1
    value += params.beta * c[v_$j * params.rowC + u_$i * params.columnC];
#end
    y[(which * params.rows + v_$j) * params.columns + u_$i] = activate(vec4f(value), params.activationA, params.activationB).x;
  }
#end
#end
}
