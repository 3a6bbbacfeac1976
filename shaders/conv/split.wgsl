// Convolution of one group over maps of few pixels, whose input channels are split among threads, for hardware that such maps leave idle.
//
//   y[n,o,v,u] = activate(bias[o] + sum_{c,i,j} w[o,c,i,j] * x[n,c, v*S-padTop+i*D, u*S-padLeft+j*D]) (+ residual, before or after)
//
// SPLIT threads compute RUN pixels, one after the other row by row, of one output block: each adds up every SPLIT-th input block, then they
// add up their sums in workgroup memory. Weights lie as those of conv/direct.wgsl with OUT_BLOCKS of 1.
// Dispatch: x = runs / (WORKGROUP / SPLIT), y = output blocks, z = images.
#const RUN = 4
#const SPLIT = 8
#const WORKGROUP = 64

#include "lib/linear.wgsl"
#include "lib/storage.wgsl"
#include "lib/window_params.wgsl"

#const CELLS = RUN * WORKGROUP
var<workgroup> sums: array<vec4f, CELLS>;

@compute @workgroup_size(WORKGROUP)
fn main(thread: Thread) {
  let local = i32(thread.local);
  let member = local % SPLIT;
  let image = i32(thread.group.z);
  let out = i32(thread.group.y);
  let firstPixel = (i32(thread.group.x) * (WORKGROUP / SPLIT) + local / SPLIT) * RUN;
#for r in 0..RUN
  let v_$r = divide(firstPixel + $r, params.output.width);
  let u_$r = firstPixel + $r - v_$r * params.output.width;
  var acc_$r = vec4f(0.0);
#end
  for (var block = member; block < params.inBlocks; block += SPLIT) {
    let origin = planeOrigin(params.input, (params.firstBlock + block) * params.input.batch + image);
    for (var i = 0; i < params.kernel.y; i++) {
      for (var j = 0; j < params.kernel.x; j++) {
        let column = (i * params.kernel.x + j) * 4;
#for c in 0..4
        let w_$c = weight(column + $c, block, out);
#end
#for r in 0..RUN
        {
          let x = u_$r * params.stride.x - params.pad.x + j * params.dilation.x;
          let y = v_$r * params.stride.y - params.pad.y + i * params.dilation.y;
          let cx = clamp(x, 0, params.input.width - 1);
          let cy = clamp(y, 0, params.input.height - 1);
          let value = select(vec4f(0.0), load_x(origin.x + cx, origin.y + cy), x == cx && y == cy);
          acc_$r += value.x * w_0 + value.y * w_1 + value.z * w_2 + value.w * w_3;
        }
#end
      }
    }
  }
#for r in 0..RUN
  sums[$r * WORKGROUP + local] = acc_$r;
#end
  workgroupBarrier();
  let bias = weight(0, params.inBlocks, out);
  let place = planeOrigin(params.output, out * params.output.batch + image);
  let residualOrigin = planeOrigin(params.residual, out * params.output.batch + image);
  // The members take the pixels in turn.
  for (var r = member; r < RUN; r += SPLIT) {
    var sum = bias;
    for (var other = 0; other < SPLIT; other++) {
      sum += sums[r * WORKGROUP + local - member + other];
    }
    let v = divide(firstPixel + r, params.output.width);
    let u = firstPixel + r - v * params.output.width;
    if (v < params.output.height) {
      store_y(place.x + u, place.y + v, finish(sum, residualOrigin, u, v));
    }
  }
}
