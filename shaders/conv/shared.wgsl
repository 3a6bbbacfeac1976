// Convolution of one group as a product of tiles in workgroup memory, for hardware whose threads share what they load.
//
//   y[n,o,v,u] = activate(bias[o] + sum_{c,i,j} w[o,c,i,j] * x[n,c, v*S-padTop+i*D, u*S-padLeft+j*D]) (+ residual, before or after)
//
// A workgroup of 16 x 4 threads computes 16 * RUN pixels, one after the other row by row, of 4 * OUT_BLOCKS output blocks. Of every tap and
// every 4 input blocks it loads the cells of its pixels and its weights once, then each thread adds up RUN pixels of OUT_BLOCKS blocks.
// Weights lie as those of conv/direct.wgsl with OUT_BLOCKS of 1. Dispatch: x = tiles of pixels, y = groups of output blocks, z = images.
#const RUN = 4
#const OUT_BLOCKS = 2
#const WORKGROUP = 64
#const DEPTH = 4
#const ACROSS = 16
#const DOWN = 4

#include "lib/linear.wgsl"
#include "lib/storage.wgsl"
#include "lib/window_params.wgsl"

#const PIXELS = ACROSS * RUN
#const BLOCKS = DOWN * OUT_BLOCKS
#const INPUT_CELLS = DEPTH * PIXELS
#const WEIGHT_CELLS = 4 * DEPTH * BLOCKS
var<workgroup> inputCells: array<vec4f, INPUT_CELLS>;
var<workgroup> weightCells: array<vec4f, WEIGHT_CELLS>;

@compute @workgroup_size(WORKGROUP)
fn main(thread: Thread) {
  let local = i32(thread.local);
  let image = i32(thread.group.z);
  let firstPixel = i32(thread.group.x) * PIXELS;
  let firstOut = i32(thread.group.y) * BLOCKS;
  let across = local % ACROSS;
  let down = local / ACROSS;

  // The pixels whose cells this thread loads, which are not those that it computes.
#for n in 0..(INPUT_CELLS / WORKGROUP)
  let pixel_$n = firstPixel + (local + $n * WORKGROUP) % PIXELS;
  let depth_$n = (local + $n * WORKGROUP) / PIXELS;
  let v_$n = divide(pixel_$n, params.output.width);
  let left_$n = (pixel_$n - v_$n * params.output.width) * params.stride.x - params.pad.x;
  let top_$n = v_$n * params.stride.y - params.pad.y;
#end
#for o in 0..OUT_BLOCKS
#for r in 0..RUN
  var acc_$(o)_$r = vec4f(0.0);
#end
#end
  for (var block = 0; block < params.inBlocks; block += DEPTH) {
    for (var i = 0; i < params.kernel.y; i++) {
      for (var j = 0; j < params.kernel.x; j++) {
        workgroupBarrier();
#for n in 0..(INPUT_CELLS / WORKGROUP)
        {
          let x = left_$n + j * params.dilation.x;
          let y = top_$n + i * params.dilation.y;
          let cx = clamp(x, 0, params.input.width - 1);
          let cy = clamp(y, 0, params.input.height - 1);
          let row = min(block + depth_$n, params.inBlocks - 1);
          let origin = planeOrigin(params.input, (params.firstBlock + row) * params.input.batch + image);
          let inside = x == cx && y == cy && block + depth_$n < params.inBlocks;
          inputCells[local + $n * WORKGROUP] = select(vec4f(0.0), load_x(origin.x + cx, origin.y + cy), inside);
        }
#end
        let column = (i * params.kernel.x + j) * 4;
#for n in 0..((WEIGHT_CELLS + WORKGROUP - 1) / WORKGROUP)
        {
          let at = local + $n * WORKGROUP;
          let out = at / (4 * DEPTH);
          let row = (at / 4) % DEPTH;
          // Rows beyond those of the inputs are met by cells of zero, and outputs beyond the last are not stored.
          let cell = weight(column + at % 4, min(block + row, params.inBlocks - 1), min(firstOut + out, params.layers - 1));
          if (at < WEIGHT_CELLS) {
            weightCells[at] = cell;
          }
        }
#end
        workgroupBarrier();
        for (var depth = 0; depth < DEPTH; depth++) {
#for o in 0..OUT_BLOCKS
#for c in 0..4
          let w_$(o)_$c = weightCells[((down * OUT_BLOCKS + $o) * DEPTH + depth) * 4 + $c];
#end
#end
#for r in 0..RUN
          let x_$r = inputCells[depth * PIXELS + $r * ACROSS + across];
#for o in 0..OUT_BLOCKS
          acc_$(o)_$r += x_$(r).x * w_$(o)_0 + x_$(r).y * w_$(o)_1 + x_$(r).z * w_$(o)_2 + x_$(r).w * w_$(o)_3;
#end
#end
        }
      }
    }
  }

#for o in 0..OUT_BLOCKS
  {
    let block = firstOut + down * OUT_BLOCKS + $o;
    let bias = weight(0, params.inBlocks, min(block, params.layers - 1));
    let place = planeOrigin(params.output, block * params.output.batch + image);
    let residualOrigin = planeOrigin(params.residual, block * params.output.batch + image);
#for r in 0..RUN
    {
      let pixel = firstPixel + $r * ACROSS + across;
      let v = divide(pixel, params.output.width);
      let u = pixel - v * params.output.width;
      if (block < params.output.blocks && v < params.output.height) {
        store_y(place.x + u, place.y + v, finish(bias + acc_$(o)_$r, residualOrigin, u, v));
      }
    }
#end
  }
#end
}
