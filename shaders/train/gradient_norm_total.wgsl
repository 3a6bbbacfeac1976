// The norm of a flat gradient from its parts (train/gradient_norm.wgsl), and what optimizers keep from one update to the next.
//
//   state[0] = (norm, elements that are not finite, c1, c2), state[1] = (updates, 0, 0, 0)
//
// c1 and c2 are the sums of the weights that a moving average with `keep` has given so far, 1 - keep^t where keep is constant: what
// AdamW divides its moments by. They and the count stand still where the update will be skipped, so that the host need not know of
// it. A norm beyond f32 counts as one element that is not finite. Dispatch: one workgroup.
#const PARTS = 4096
#const WORKGROUP = 64

struct Params {
  first: f32,           // what each moment keeps of itself
  second: f32,
  firstRate: f32,       // 1 - first, rounded from more digits
  secondRate: f32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> partials: array<vec2f>;
@group(0) @binding(2) var<storage, read_write> state: array<vec4f, 2>;

const LARGEST = 0x7f7fffffu;

var<workgroup> sums: array<vec2f, WORKGROUP>;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(local_invocation_index) local: u32) {
  var sum = vec2f();
  for (var i = 0u; i < u32(PARTS / WORKGROUP); i++) {
    sum += partials[i * WORKGROUP + local];
  }
  sums[local] = sum;
  for (var half = u32(WORKGROUP / 2); half > 0u; half >>= 1u) {
    workgroupBarrier();
    if (local < half) {
      sums[local] += sums[local + half];
    }
  }
  if (local == 0u) {
    // Squares are not negative, so that the order of their bits is theirs.
    let overflows = bitcast<u32>(sums[0].x) > LARGEST;
    let broken = sums[0].y + select(0.0, 1.0, overflows);
    let moves = broken == 0.0;
    let norm = sqrt(select(sums[0].x, bitcast<f32>(LARGEST), overflows));
    let corrections = state[0].zw;
    let renewed = corrections * vec2f(params.first, params.second) + vec2f(params.firstRate, params.secondRate);
    state[0] = vec4f(norm, broken, select(corrections, renewed, moves));
    state[1].x += select(0.0, 1.0, moves);
  }
}
