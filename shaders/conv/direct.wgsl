// Direct convolution, register tiled, written out flat.
//
//   y[n,o,v,u] = activate(bias[o] + sum_{c,i,j} w[o,c,i,j] * x[n,c, v*S-padTop+i, u*S-padLeft+j]) (+ residual, before or after)
//
// It reads the channels of x from block `firstBlock` on; weights of zero keep out those of the block that are not its own.
// With GATED == 1 the channels of x are multiplied by gate[n,c] first (squeeze-and-excitation), by way of the weights.
// With INTERLEAVED == 1 the channels of another tensor r (at the residual's binding), from block `otherBlock` on, and the results are
// stored in turn (channel shuffle): y[2c] = r[c], y[2c+1] = result[c]; with INTERLEAVED == 2 the results come first.
//
// A thread computes TILE_X x TILE_Y pixels of OUT_BLOCKS * 4 output channels: every loaded cell serves up to K*K taps and every
// weight TILE_X * TILE_Y pixels, which is what counts on adapters where loads are dear.
//
// With FLAT == 1 (K, S and TILE_Y of 1, no padding) they are TILE_X pixels one after the other, row by row, so that only the last tile
// of a plane reaches beyond it, whatever the map's width is.
//
// Weights (weight(column, row, layer)): layer = group of OUT_BLOCKS output blocks, row = input block, column =
// ((outBlock * K*K + tap) * 4 + input lane), four output lanes a cell; the last row holds the biases, a cell an output block.
// IN_LANES is how many channels of a block there are: fewer than four where x has fewer, as a picture has.
// With WEIGHT_BITS of 4, 2 or 1 the weights are levels -8 to 7, -1, 0, 1 or -1, 1 in words (lib/low_bit_weights.wgsl), where the convolution has
// them times a scale of the output channel: sums are of levels, and y = activate(bias[o] + scale[o] * sum).
// With HALF == 1 products are computed and summed up in f16, at most 32 of them, and those sums in f32. Weights are divided by a power of two of
// each output channel so that no sum of so many exceeds the largest input (src/kernels/half_products.ts); the powers stand behind the biases.
// With SPARSE == 1 (OUT_BLOCKS of 1) blocks of four outputs by four inputs whose weights are all zero are left out. The weights are a list
// of rows, LIST_ROWS of them a layer: first a row for each output block, its biases and the first and the number of its entries; then the
// entries, the weights of all taps and the input block. Whole numbers are pairs of digits to the base 1024, which f16 holds exactly.
// With PICTURE == 1 x is no tensor but a picture, read through its letterbox (lib/picture.wgsl).
// Dispatch with JOINED == 1: a thread for every tile of every output group of every image, so that small maps leave no lane of a
// workgroup idle; otherwise x = tiles / WORKGROUP, y = output groups, z = images, and a workgroup has one set of weights.
#const K = 3
#const S = 1
#const TILE_X = 5
#const TILE_Y = 4
#const OUT_BLOCKS = 1
#const IN_LANES = 4
#const WEIGHT_BITS = 32
#const HALF = 0
#const WORKGROUP = 16
#const JOINED = 0
#const FLAT = 0
#const SPARSE = 0
#const LIST_ROWS = 2048
#const RESIDUAL = 0
#const GATED = 0
#const INTERLEAVED = 0
#const PICTURE = 0

#if HALF == 1
enable f16;
alias Term = vec4h;
#else
alias Term = vec4f;
#end
// Whether sums are of weights that are yet to be scaled; and taps whose products are 32 for a block of inputs, blocks whose products are.
#const SCALED = WEIGHT_BITS < 32 || HALF == 1
#const HALF_TAPS = 8
#const HALF_BLOCKS = 8 / (K * K)

#include "lib/linear.wgsl"
#include "lib/storage.wgsl"
struct Params {
  input: Blocked,
  output: Blocked,
  residual: Blocked,
#if GATED == 1
  gate: Blocked,        // `[N,C,1,1]`
#end
  pad: vec2i,           // left, top
  tilesX: i32,
  tiles: i32,           // of a plane
  layers: i32,          // groups of OUT_BLOCKS output blocks
  firstBlock: i32,      // of x that is read
  inBlocks: i32,        // of x that are read
  otherBlock: i32,      // first of r that is interleaved
  pitch: i32,
  weightColumns: i32,
  weightRows: i32,
#include "lib/epilogue_params.wgsl"
#if PICTURE == 1
#include "lib/picture_params.wgsl"
#end
}
#include "lib/params.wgsl"
#if PICTURE == 1
#include "lib/picture.wgsl" BINDING=1
#else
#include "lib/input.wgsl" NAME=x BINDING=1 TENSOR=input
#end
#if WEIGHT_BITS == 32
#include "lib/weights.wgsl" BINDING=2
#else
#include "lib/low_bit_weights.wgsl" BINDING=2
#end
#include "lib/output.wgsl" NAME=y BINDING=3 TENSOR=output
#const OTHER = RESIDUAL == 1 || INTERLEAVED > 0
#if OTHER == 1
#include "lib/input.wgsl" NAME=r BINDING=4 TENSOR=residual
#end
#if GATED == 1
#include "lib/input.wgsl" NAME=g BINDING=4+OTHER TENSOR=gate
#end
#include "lib/activation.wgsl"

#const NX = (TILE_X - 1) * S + K
#const NY = (TILE_Y - 1) * S + K

#include "lib/entry.wgsl"
#if JOINED == 1
#include "lib/joined_tile.wgsl"
#else
  let tile = min(i32(thread.group.x) * WORKGROUP + i32(thread.local), params.tiles - 1);
  let layer = i32(thread.group.y);
  let image = i32(thread.group.z);
#end
  // Where the results are.
#if FLAT == 1
#for i in 0..TILE_X
  let v_0_$i = divide(tile * TILE_X + $i, params.output.width);
  let u_0_$i = tile * TILE_X + $i - v_0_$i * params.output.width;
#end
#else
  let tileRow = tile / params.tilesX;
  let u0 = (tile - tileRow * params.tilesX) * TILE_X;
  let v0 = tileRow * TILE_Y;
#end

#if SPARSE == 1
  let list = weight(1, layer % LIST_ROWS, layer / LIST_ROWS);
  let firstEntry = i32(list.x) + 1024 * i32(list.y);
  let entries = i32(list.z) + 1024 * i32(list.w);
#end
#for o in 0..OUT_BLOCKS
#if SPARSE == 1
  let bias_$o = weight(0, layer % LIST_ROWS, layer / LIST_ROWS);
#else
#if SCALED == 0
  let bias_$o = weight($o, params.inBlocks, layer);
#else
  let bias_$o = vec4f(0.0);
#end
#end
#for j in 0..TILE_Y
#for i in 0..TILE_X
  var acc_$(o)_$(j)_$i = bias_$o;
#if HALF == 1 && HALF_BLOCKS > 1
  var part_$(o)_$(j)_$i = vec4h(0.0);
#end
#end
#end
#end

#if FLAT == 0
  let left = u0 * S - params.pad.x;
  let top = v0 * S - params.pad.y;
#include "lib/window.wgsl"
#if PICTURE == 1
#for i in 0..NX
  let column_$i = columnSpan(cx_$i);
#end
#for j in 0..NY
  let row_$j = rowSpan(cy_$j);
#end
#end
#end

#if SPARSE == 1
  for (var entry = firstEntry; entry < firstEntry + entries; entry++) {
    let row = entry % LIST_ROWS;
    let page = entry / LIST_ROWS;
    let place = weight($(4 * K * K), row, page);
    let block = i32(place.x) + 1024 * i32(place.y);
#else
  var block = 0;
  loop {
#end
    let origin = planeOrigin(params.input, (params.firstBlock + block) * params.input.batch + image);
#for j in 0..NY
#for i in 0..NX
#if FLAT == 1
    let x_$(j)_$i = Term(load_x(origin.x + u_0_$i, origin.y + min(v_0_$i, params.input.height - 1)));
#else
#if K == 1
    let x_$(j)_$i = Term(load_x(origin.x + cx_$i, origin.y + cy_$j));
#else
#if PICTURE == 1
    let x_$(j)_$i = select(Term(0.0), Term(letterboxed(column_$i, row_$j)), inX_$i && inY_$j);
#else
    let x_$(j)_$i = select(Term(0.0), Term(load_x(origin.x + cx_$i, origin.y + cy_$j)), inX_$i && inY_$j);
#end
#end
#end
#end
#end
#if GATED == 1
    let gateOrigin = planeOrigin(params.gate, block * params.input.batch + image);
    let gate = load_g(gateOrigin.x, gateOrigin.y);
#end
#if WEIGHT_BITS < 32
#include "lib/low_bit_words.wgsl" BLOCK=block GROUP=layer
#end
#for o in 0..OUT_BLOCKS
#for t in 0..(K * K)
#for c in 0..IN_LANES
#if SPARSE == 1
    let plain_$(o)_$(t)_$c = weight($(t * 4 + c), row, page);
#else
#if WEIGHT_BITS == 32
    let plain_$(o)_$(t)_$c = Term(weight($((o * K * K + t) * 4 + c), block, layer));
#else
    let plain_$(o)_$(t)_$c = levels(word_$(16 * (o * K * K + t) / PER_WORD + 4 * c / PER_WORD), $(16 * (o * K * K + t) % PER_WORD + 4 * c % PER_WORD)u);
#end
#end
#if GATED == 1
    let w_$(o)_$(t)_$c = gate[$c] * plain_$(o)_$(t)_$c;
#else
    let w_$(o)_$(t)_$c = plain_$(o)_$(t)_$c;
#end
#end
#end
    // One accumulator at a time through all taps: it stays in a register while inputs and weights stream by.
#for j in 0..TILE_Y
#for i in 0..TILE_X
#if HALF == 0
#for t in 0..(K * K)
    acc_$(o)_$(j)_$i += x_$(j * S + t / K)_$(i * S + t % K).x * w_$(o)_$(t)_0
#for c in 1..IN_LANES
      + x_$(j * S + t / K)_$(i * S + t % K)[$c] * w_$(o)_$(t)_$c
#end
    ;
#end
#else
#if HALF_BLOCKS > 1
#for t in 0..(K * K)
#for c in 0..IN_LANES
    part_$(o)_$(j)_$i += x_$(j * S + t / K)_$(i * S + t % K)[$c] * w_$(o)_$(t)_$c;
#end
#end
#else
    var part_$(o)_$(j)_$i = vec4h(0.0);
#for t in 0..HALF_TAPS
#for c in 0..IN_LANES
    part_$(o)_$(j)_$i += x_$(j * S + t / K)_$(i * S + t % K)[$c] * w_$(o)_$(t)_$c;
#end
#end
    var rest_$(o)_$(j)_$i = vec4h(0.0);
#for t in HALF_TAPS..(K * K)
#for c in 0..IN_LANES
    rest_$(o)_$(j)_$i += x_$(j * S + t / K)_$(i * S + t % K)[$c] * w_$(o)_$(t)_$c;
#end
#end
    acc_$(o)_$(j)_$i += vec4f(part_$(o)_$(j)_$i) + vec4f(rest_$(o)_$(j)_$i);
#end
#end
#end
#end
#end
#if HALF == 1 && HALF_BLOCKS > 1
    if (block % HALF_BLOCKS == HALF_BLOCKS - 1 || block + 1 == params.inBlocks) {
#for o in 0..OUT_BLOCKS
#for j in 0..TILE_Y
#for i in 0..TILE_X
      acc_$(o)_$(j)_$i += vec4f(part_$(o)_$(j)_$i);
      part_$(o)_$(j)_$i = vec4h(0.0);
#end
#end
#end
    }
#end
#if SPARSE == 0
    block++;
    if (block >= params.inBlocks) { break; }
#end
  }

#for o in 0..OUT_BLOCKS
  let block_$o = layer * OUT_BLOCKS + $o;
#if INTERLEAVED > 0
  // Two blocks, of which the last may have no second one.
  let origin_$o = planeOrigin(params.output, 2 * block_$o * params.output.batch + image);
  let secondOrigin_$o = planeOrigin(params.output, (2 * block_$o + 1) * params.output.batch + image);
  let inside_$o = 2 * block_$o < params.output.blocks;
  let second_$o = 2 * block_$o + 1 < params.output.blocks;
#else
  let origin_$o = planeOrigin(params.output, block_$o * params.output.batch + image);
  let inside_$o = block_$o < params.output.blocks;
#end
#if WEIGHT_BITS < 32
  let shift_$o = weightFloats($o, layer);
  let scale_$o = weightFloats($(OUT_BLOCKS + o), layer);
#end
#if HALF == 1
  let shift_$o = weight($o, params.inBlocks, layer);
  let scale_$o = weight($(OUT_BLOCKS + o), params.inBlocks, layer);
#end
#if OTHER == 1
  let otherOrigin_$o = planeOrigin(params.residual, (params.otherBlock + block_$o) * params.output.batch + image);
#end
#end
  // What follows the sums is a loop over the columns, since written out it would be a third of what there is to compile. Sums move up by one in
  // each turn: an array with an index that is not known would become a choice among all its elements.
  let columns = uncounted(TILE_X, tile);
  var column = 0;
  loop {
#for j in 0..TILE_Y
#if FLAT == 1
    let v_$j = divide(tile * TILE_X + column, params.output.width);
    let u_$j = tile * TILE_X + column - v_$j * params.output.width;
    let kept_$j = v_$j < params.output.height;
#else
    let v_$j = v0 + $j;
    let u_$j = u0 + column;
    let kept_$j = u_$j < params.output.width && v_$j < params.output.height;
#end
#end
#for o in 0..OUT_BLOCKS
#for j in 0..TILE_Y
    if (inside_$o && kept_$j) {
#if SCALED == 1
      let sum_0 = shift_$o + scale_$o * acc_$(o)_$(j)_0;
#else
      let sum_0 = acc_$(o)_$(j)_0;
#end
#if RESIDUAL == 1
      let residual = load_r(otherOrigin_$o.x + (u_$j >> params.residualShift), otherOrigin_$o.y + (v_$j >> params.residualShift));
      let sum = sum_0 + select(vec4f(0.0), residual, params.activateLast == 1u);
      let value = activate(sum, params.activationA, params.activationB) + select(residual, vec4f(0.0), params.activateLast == 1u);
#else
      let value = activate(sum_0, params.activationA, params.activationB);
#end
#if INTERLEAVED > 0
      let other = load_r(otherOrigin_$o.x + u_$j, otherOrigin_$o.y + v_$j);
#if INTERLEAVED == 1
      store_y(origin_$o.x + u_$j, origin_$o.y + v_$j, vec4f(other.x, value.x, other.y, value.y));
      if (second_$o) {
        store_y(secondOrigin_$o.x + u_$j, secondOrigin_$o.y + v_$j, vec4f(other.z, value.z, other.w, value.w));
      }
#else
      store_y(origin_$o.x + u_$j, origin_$o.y + v_$j, vec4f(value.x, other.x, value.y, other.y));
      if (second_$o) {
        store_y(secondOrigin_$o.x + u_$j, secondOrigin_$o.y + v_$j, vec4f(value.z, other.z, value.w, other.w));
      }
#end
#else
      store_y(origin_$o.x + u_$j, origin_$o.y + v_$j, value);
#end
    }
#for i in 1..TILE_X
    acc_$(o)_$(j)_$(i - 1) = acc_$(o)_$(j)_$i;
#end
#end
#end
    column++;
    if (column >= columns) { break; }
  }
}
