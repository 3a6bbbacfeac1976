// Gradient of a depthwise convolution with respect to its weight, register tiled, written out flat.
//
//   dw[c,0,i,j] = sum_{n,v,u} dy[n,c,v,u] * x[n,c, v*S-padTop+i, u*S-padLeft+j]
//
// A thread holds the sums of one block of four channels by K*K taps and walks over tiles of TILE_X x TILE_Y pixels of dy. Tiles are cut
// into `chunks` of `perChunk` as in conv_weight_gradient.wgsl: chunk k writes the k-th copy of the gradient in `sums`.
// Dispatch: a thread for every block of every chunk, chunk by chunk.
#const K = 3
#const S = 1
#const TILE_X = 4
#const TILE_Y = 2
#const WORKGROUP = 8

#include "lib/tile.wgsl"
#include "lib/storage.wgsl"
struct Params {
  input: Blocked,
  output: Blocked,      // of dy
  pad: vec2i,           // left, top
  tilesX: i32,
  tiles: i32,           // of a plane
  perChunk: i32,
  chunks: i32,
  pitch: i32,
}
@group(0) @binding(0) var<uniform> params: Params;
#include "lib/input.wgsl" NAME=x BINDING=1 TENSOR=input
#include "lib/input.wgsl" NAME=dy BINDING=2 TENSOR=output
@group(0) @binding(3) var<storage, read_write> sums: array<f32>;

#const NX = (TILE_X - 1) * S + K
#const NY = (TILE_Y - 1) * S + K

@compute @workgroup_size(WORKGROUP)
fn main(thread: Thread) {
  let blocks = params.output.blocks;
  let index = min(linearIndex(thread), blocks * params.chunks - 1);
  let chunk = divide(index, blocks);
  let block = index - chunk * blocks;

#for t in 0..(K * K)
  var sum_$t = vec4f(0.0);
#end
  let first = chunk * params.perChunk;
  let end = min(first + params.perChunk, params.tiles * params.output.batch);
  for (var number = first; number < end; number++) {
    let tile = tileOf(number);
    let image = tile.plane;
    let u0 = tile.column * TILE_X;
    let v0 = tile.row * TILE_Y;
    let source = planeOrigin(params.input, block * params.input.batch + image);
    let place = planeOrigin(params.output, block * params.output.batch + image);
    // Coordinates are clamped so that every load stays within its plane; what lies outside is then replaced by zero.
#for j in 0..TILE_Y
#for i in 0..TILE_X
    let d_$(j)_$i = select(
      vec4f(0.0),
      load_dy(place.x + min(u0 + $i, params.output.width - 1), place.y + min(v0 + $j, params.output.height - 1)),
      u0 + $i < params.output.width && v0 + $j < params.output.height,
    );
#end
#end
    let left = u0 * S - params.pad.x;
    let top = v0 * S - params.pad.y;
#include "lib/window.wgsl"
#for j in 0..NY
#for i in 0..NX
    let x_$(j)_$i = select(vec4f(0.0), load_x(source.x + cx_$i, source.y + cy_$j), inX_$i && inY_$j);
#end
#end
    // Adding up within the tile first keeps long sums exact.
#for t in 0..(K * K)
    sum_$t += x_$(t / K)_$(t % K) * d_0_0
#for p in 1..(TILE_X * TILE_Y)
      + x_$(p / TILE_X * S + t / K)_$((p % TILE_X) * S + t % K) * d_$(p / TILE_X)_$(p % TILE_X)
#end
    ;
#end
  }

#for k in 0..4
  if (4 * block + $k < params.output.channels) {
    let at = (chunk * params.output.channels + 4 * block + $k) * (K * K);
#for t in 0..(K * K)
    sums[at + $t] = sum_$(t)[$k];
#end
  }
#end
}
