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
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
  let thread = i32(group.x) * WORKGROUP + i32(local);
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
  let qo_$b = planeOrigin(params.qkv, (head + $b) * params.qkv.batch + image);
#for q in 0..QUERIES
  let q_$(q)_$b = load_qkv(qo_$b.x + column_$q, qo_$b.y + row_$q) * params.scale;
#end
  let ko_$b = planeOrigin(params.qkv, (head + KEY_BLOCKS + $b) * params.qkv.batch + image);
#end
#for b in 0..VALUE_BLOCKS
  let vo_$b = planeOrigin(params.qkv, (head + 2 * KEY_BLOCKS + $b) * params.qkv.batch + image);
#end

  for (var row = 0; row < height; row++) {
    for (var column = 0; column < width; column++) {
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
    }
  }

#for b in 0..VALUE_BLOCKS
  {
    let block = i32(group.y) * VALUE_BLOCKS + $b;
    let yo = planeOrigin(params.output, block * params.output.batch + image);
#if VALUES == 1
    let to = planeOrigin(params.values, block * params.values.batch + image);
#end
#for q in 0..QUERIES
    if (pixel_$q <= last) {
      store_y(yo.x + column_$q, yo.y + row_$q, acc_$(q)_$b / sum_$q);
#if VALUES == 1
      store_v(to.x + column_$q, to.y + row_$q, load_qkv(vo_$b.x + column_$q, vo_$b.y + row_$q));
#end
    }
#end
  }
#end
}
