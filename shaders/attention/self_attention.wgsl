// Self-attention over the pixels of a map, one head a workgroup row:
//
//   y[:, p] = sum_t softmax_t(scale * <q[:, p], k[:, t]>) * v[:, t]
//
// A thread takes QUERIES pixels and walks over all keys once, keeping the running maximum, the running sum and the weighted
// values (the online softmax of Milakov and Gimelshein, 2018), so that the [L, L] scores are never stored.
// Channels of qkv: head by head, KEY_BLOCKS query blocks, KEY_BLOCKS key blocks, VALUE_BLOCKS value blocks.
// Dispatch: x = pixels / QUERIES / WORKGROUP, y = heads, z = images.
#const KEY_BLOCKS = 8
#const VALUE_BLOCKS = 16
#const QUERIES = 2
#const VALUES = 0
#const WORKGROUP = 16

#include "lib/linear.wgsl"
#include "lib/storage.wgsl"
struct Params {
  qkv: Blocked,
  output: Blocked,
  values: Blocked,
  scale: f32,
  pitch: i32,
}
@group(0) @binding(0) var<uniform> params: Params;
#include "lib/input.wgsl" NAME=qkv BINDING=1
#include "lib/output.wgsl" NAME=y BINDING=2
#if VALUES == 1
#include "lib/output.wgsl" NAME=v BINDING=3
#end

@compute @workgroup_size(WORKGROUP)
fn main(own: Thread) {
  let group = own.group;
  let thread = i32(group.x) * WORKGROUP + i32(own.local);
  let head = i32(group.y) * (2 * KEY_BLOCKS + VALUE_BLOCKS);
  let image = i32(group.z);
  let width = params.qkv.width;
  let height = params.qkv.height;
  let last = width * height - 1;

#for q in 0..QUERIES
  let pixel_$q = thread * QUERIES + $q;
  let row_$q = min(pixel_$q, last) / width;
  let column_$q = min(pixel_$q, last) - row_$q * width;
  var most_$q = -3.0e38;
  var sum_$q = 0.0;
#for b in 0..VALUE_BLOCKS
  var acc_$(q)_$b = vec4f(0.0);
#end
#end
#for b in 0..KEY_BLOCKS
#for q in 0..QUERIES
  var q_$(q)_$b = vec4f(0.0);
#end
#end
  var b = 0;
  loop {
    let qo = planeOrigin(params.qkv, (head + b) * params.qkv.batch + image);
#for q in 0..QUERIES
#for n in 1..KEY_BLOCKS
    q_$(q)_$(n - 1) = q_$(q)_$n;
#end
    q_$(q)_$(KEY_BLOCKS - 1) = load_qkv(qo.x + column_$q, qo.y + row_$q) * params.scale;
#end
    b++;
    if (b >= uncounted(KEY_BLOCKS, thread)) { break; }
  }
#for b in 0..KEY_BLOCKS
  let ko_$b = planeOrigin(params.qkv, (head + KEY_BLOCKS + $b) * params.qkv.batch + image);
#end
#for b in 0..VALUE_BLOCKS
  let vo_$b = planeOrigin(params.qkv, (head + 2 * KEY_BLOCKS + $b) * params.qkv.batch + image);
#end

  var row = 0;
  loop {
    var column = 0;
    loop {
#for b in 0..KEY_BLOCKS
      let k_$b = load_qkv(ko_$b.x + column, ko_$b.y + row);
#end
#for q in 0..QUERIES
      var score_$q = 0.0;
#for b in 0..KEY_BLOCKS
      score_$q += dot(q_$(q)_$b, k_$b);
#end
      let higher_$q = max(most_$q, score_$q);
      let keep_$q = exp(most_$q - higher_$q);
      let part_$q = exp(score_$q - higher_$q);
      most_$q = higher_$q;
      sum_$q = sum_$q * keep_$q + part_$q;
#end
#for b in 0..VALUE_BLOCKS
      let v_$b = load_qkv(vo_$b.x + column, vo_$b.y + row);
#for q in 0..QUERIES
      acc_$(q)_$b = acc_$(q)_$b * keep_$q + v_$b * part_$q;
#end
#end
      column++;
      if (column >= width) { break; }
    }
    row++;
    if (row >= height) { break; }
  }

  // Stores are a loop, since written out they would be half of what there is to compile. Results move up by one in each turn: an array with
  // an index that is not known would become a choice among all its elements.
  b = 0;
  loop {
    let block = i32(group.y) * VALUE_BLOCKS + b;
    let yo = planeOrigin(params.output, block * params.output.batch + image);
#if VALUES == 1
    let vo = planeOrigin(params.qkv, (head + 2 * KEY_BLOCKS + b) * params.qkv.batch + image);
    let to = planeOrigin(params.values, block * params.values.batch + image);
#end
#for q in 0..QUERIES
    if (pixel_$q <= last) {
      store_y(yo.x + column_$q, yo.y + row_$q, acc_$(q)_0 / sum_$q);
#if VALUES == 1
      store_v(to.x + column_$q, to.y + row_$q, load_qkv(vo.x + column_$q, vo.y + row_$q));
#end
    }
#for n in 1..VALUE_BLOCKS
    acc_$(q)_$(n - 1) = acc_$(q)_$n;
#end
#end
    b++;
    if (b >= uncounted(VALUE_BLOCKS, thread)) { break; }
  }
}
