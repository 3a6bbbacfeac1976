// Gradient of any convolution with respect to its weight: every kernel, stride, padding, dilation and grouping, by simple loops.
//
//   dw[o,d,i,j] = sum_{n,v,u} dy[n,o,v,u] * x[n, o / outputsPerGroup * inputsPerGroup + d, v*stride.y-pad.y+i*dilation.y, ...]
//
// A thread computes one element over the rows of dy of one chunk. The rows of all images are numbered in one line and cut into `chunks`
// of `perChunk`; chunk k writes the k-th copy of the gradient in `sums`.
// Dispatch: a thread for every element of every chunk, chunk by chunk.
#const WORKGROUP = 64

#include "lib/linear.wgsl"
#include "lib/storage.wgsl"
struct Params {
  input: Blocked,
  output: Blocked,      // of dy
  kernel: vec2i,        // x, y; so the others
  stride: vec2i,
  pad: vec2i,
  dilation: vec2i,
  inputsPerGroup: i32,
  outputsPerGroup: i32,
  size: i32,            // elements of the gradient
  perChunk: i32,
  chunks: i32,
  pitch: i32,
}
@group(0) @binding(0) var<uniform> params: Params;
#include "lib/input.wgsl" NAME=x BINDING=1 TENSOR=input
#include "lib/input.wgsl" NAME=dy BINDING=2 TENSOR=output
@group(0) @binding(3) var<storage, read_write> sums: array<f32>;

// One channel of a cell; software adapters index vectors slowly.
fn laneOf(cell: vec4f, lane: i32) -> f32 {
  let half = select(cell.xy, cell.zw, lane >= 2);
  return select(half.x, half.y, (lane & 1) == 1);
}

@compute @workgroup_size(WORKGROUP)
fn main(thread: Thread) {
  let index = min(linearIndex(thread), params.size * params.chunks - 1);
  let chunk = divide(index, params.size);
  let element = index - chunk * params.size;
  let taps = params.kernel.x * params.kernel.y;
  let line = divide(element, taps);
  let i = divide(element - line * taps, params.kernel.x);
  let j = element - line * taps - i * params.kernel.x;
  let o = divide(line, params.inputsPerGroup);
  let c = divide(o, params.outputsPerGroup) * params.inputsPerGroup + line - o * params.inputsPerGroup;

  let first = chunk * params.perChunk;
  let end = min(first + params.perChunk, params.output.height * params.output.batch);
  var sum = 0.0;
  for (var row = first; row < end; row++) {
    let image = divide(row, params.output.height);
    let v = row - image * params.output.height;
    let y = v * params.stride.y - params.pad.y + i * params.dilation.y;
    let cy = clamp(y, 0, params.input.height - 1);
    let source = planeOrigin(params.input, (c >> 2u) * params.input.batch + image);
    let place = planeOrigin(params.output, (o >> 2u) * params.output.batch + image);
    var rowSum = 0.0;
    for (var u = 0; u < uncounted(params.output.width, element); u++) {
      let x = u * params.stride.x - params.pad.x + j * params.dilation.x;
      let cx = clamp(x, 0, params.input.width - 1);
      let value = laneOf(load_x(source.x + cx, source.y + cy), c & 3);
      rowSum += select(0.0, value, x == cx && y == cy) * laneOf(load_dy(place.x + u, place.y + v), o & 3);
    }
    sum += rowSum;
  }
  sums[index] = sum;
}
