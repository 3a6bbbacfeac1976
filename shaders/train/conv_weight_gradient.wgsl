// Gradient of a convolution with respect to its weight: square kernels, one group, register tiled, written out flat.
//
//   dw[o,c,i,j] = sum_{n,v,u} dy[n,o,v,u] * x[n,c, v*S-padTop+i, u*S-padLeft+j]
//
// A thread holds the sums of OUT_BLOCKS * 4 output channels by IN_BLOCKS blocks of input channels by K*K taps and walks over tiles of
// TILE_X x TILE_Y pixels of dy: each cell of x serves up to K*K taps and each of dy every tap and input channel. One sum at a time takes
// in a whole tile, so that it is fetched and put back once a tile; adding up within the tile first also keeps long sums exact.
//
// The tiles of all images are numbered in one line and cut into `chunks` of `perChunk`; chunk k writes its sums to the k-th copy of the
// gradient in `sums` (row-major [O,C,K,K]), which sum_copies.wgsl adds up. With one chunk that is the gradient itself.
// IN_LANES is how many channels of a block of x there are: fewer than four where x has fewer, as a picture has.
// Dispatch: a thread for every pair of groups of output and input blocks of every chunk, chunk by chunk, input blocks innermost.
#const K = 3
#const S = 1
#const TILE_X = 4
#const TILE_Y = 4
#const OUT_BLOCKS = 1
#const IN_BLOCKS = 1
#const IN_LANES = 4
#const PADDED = 1       // 0: no window reaches beyond x
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
  outGroups: i32,       // groups of OUT_BLOCKS blocks of dy
  inGroups: i32,        // groups of IN_BLOCKS blocks of x
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
  let pairs = params.outGroups * params.inGroups;
  let index = min(linearIndex(thread), pairs * params.chunks - 1);
  let chunk = divide(index, pairs);
  let pair = index - chunk * pairs;
  let outGroup = divide(pair, params.inGroups);
  let inGroup = pair - outGroup * params.inGroups;

#for o in 0..OUT_BLOCKS
#for b in 0..IN_BLOCKS
#for t in 0..(K * K)
#for c in 0..IN_LANES
  var sum_$(o)_$(b)_$(t)_$c = vec4f(0.0);
#end
#end
#end
#end

  let first = chunk * params.perChunk;
  let end = min(first + params.perChunk, params.tiles * params.output.batch);
  for (var number = first; number < end; number++) {
    let tile = tileOf(number);
    let image = tile.plane;
    let u0 = tile.column * TILE_X;
    let v0 = tile.row * TILE_Y;
    let left = u0 * S - params.pad.x;
    let top = v0 * S - params.pad.y;
#include "lib/window.wgsl"
#for i in 0..TILE_X
    let du_$i = min(u0 + $i, params.output.width - 1);
#end
#for j in 0..TILE_Y
    let dv_$j = min(v0 + $j, params.output.height - 1);
#end
#for o in 0..OUT_BLOCKS
    let place_$o = planeOrigin(params.output, min(outGroup * OUT_BLOCKS + $o, params.output.blocks - 1) * params.output.batch + image);
#for j in 0..TILE_Y
#for i in 0..TILE_X
    let d_$(o)_$(j)_$i = select(vec4f(0.0), load_dy(place_$(o).x + du_$i, place_$(o).y + dv_$j), du_$i == u0 + $i && dv_$j == v0 + $j);
#end
#end
#end
#for b in 0..IN_BLOCKS
    {
      let origin = planeOrigin(params.input, min(inGroup * IN_BLOCKS + $b, params.input.blocks - 1) * params.input.batch + image);
#for j in 0..NY
#for i in 0..NX
#if PADDED == 1
      let x_$(j)_$i = select(vec4f(0.0), load_x(origin.x + cx_$i, origin.y + cy_$j), inX_$i && inY_$j);
#else
      let x_$(j)_$i = load_x(origin.x + cx_$i, origin.y + cy_$j);
#end
#end
#end
#for o in 0..OUT_BLOCKS
#for t in 0..(K * K)
#for c in 0..IN_LANES
      sum_$(o)_$(b)_$(t)_$c += x_$(t / K)_$(t % K)[$c] * d_$(o)_0_0
#for p in 1..(TILE_X * TILE_Y)
        + x_$(p / TILE_X * S + t / K)_$((p % TILE_X) * S + t % K)[$c] * d_$(o)_$(p / TILE_X)_$(p % TILE_X)
#end
      ;
#end
#end
#end
    }
#end
  }

  let copy = chunk * params.output.channels * params.input.channels * (K * K);
#for o in 0..OUT_BLOCKS
#for k in 0..4
  {
    let out = (outGroup * OUT_BLOCKS + $o) * 4 + $k;
    if (out < params.output.channels) {
#for b in 0..IN_BLOCKS
#for c in 0..IN_LANES
      {
        let channel = (inGroup * IN_BLOCKS + $b) * 4 + $c;
        if (channel < params.input.channels) {
          let at = copy + (out * params.input.channels + channel) * (K * K);
#for t in 0..(K * K)
          sums[at + $t] = sum_$(o)_$(b)_$(t)_$(c)[$k];
#end
        }
      }
#end
#end
    }
  }
#end
#end
}
