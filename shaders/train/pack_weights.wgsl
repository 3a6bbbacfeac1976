// Packs the weight of a convolution, plain numbers that change from run to run, into the cells that its shader reads
// (`src/kernels/conv_packing.ts` describes both packings).
//
//   dense:     cell((ob * taps + t) * 4 + lane, inBlock, layer)[k] = w[output (layer * outBlocks + ob) * 4 + k, input of the lane, tap t],
//              zero where that input is of another group; the last row's cell ob holds the biases of an output block
//   depthwise: cell(t, block, 0)[k] = w[channel 4 * block + k, tap t]; column `taps` holds the biases
//
// Dispatch: a thread a cell.
#const DEPTHWISE = 0
#const BIAS = 0

#include "lib/linear.wgsl"
struct Params {
  weightColumns: i32,
  weightRows: i32,
  layers: i32,
  outputs: i32,
  taps: i32,
  outBlocks: i32,
  lead: i32,            // lane of the first input channel
  inputsPerGroup: i32,
  outputsPerGroup: i32,
  latestBlock: i32,     // the first input block of a layer comes no later
  outputStep: i32,      // elements from one output to the next; so the others
  inputStep: i32,
  groupStep: i32,
  firstTap: i32,        // element of tap 0
  tapStep: i32,         // 1, or -1 where taps run backwards
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> numbers: array<f32>;
#include "lib/weights_out.wgsl" BINDING=2
#if BIAS == 1
@group(0) @binding(3) var<storage, read_write> biases: array<f32>;
#end

fn biasOf(o: i32) -> f32 {
#if BIAS == 1
  if (o < params.outputs) {
    return biases[o];
  }
#end
  return 0.0;
}

@compute @workgroup_size(WORKGROUP)
fn main(thread: Thread) {
  let index = min(linearIndex(thread), params.weightColumns * params.weightRows * params.layers - 1);
  let line = divide(index, params.weightColumns);
  let column = index - line * params.weightColumns;
  let layer = divide(line, params.weightRows);
  let row = line - layer * params.weightRows;
  var value = vec4f(0.0);
#if DEPTHWISE == 1
  let isBias = column == params.taps;
  let first = 4 * row;
  let tap = params.firstTap + params.tapStep * column;
#else
  let isBias = row == params.weightRows - 1;
  let slot = column >> 2u;
  let block = select(divide(slot, params.taps), column, isBias);
  let first = 4 * (layer * params.outBlocks + block);
  let tap = params.firstTap + params.tapStep * (slot - block * params.taps);
  let wanted = (divide(4 * layer * params.outBlocks, params.outputsPerGroup) * params.inputsPerGroup) >> 2u;
  let input = 4 * (min(wanted, params.latestBlock) + row) + (column & 3) - params.lead;
#end
#for k in 0..4
  {
    let o = first + $k;
    if (isBias) {
#if DEPTHWISE == 1
      value[$k] = biasOf(o);
#else
      value[$k] = select(0.0, biasOf(o), column < params.outBlocks);
#end
    } else if (o < params.outputs) {
#if DEPTHWISE == 1
      value[$k] = numbers[o * params.outputStep + tap];
#else
      let part = divide(o, params.outputsPerGroup);
      let c = input - part * params.inputsPerGroup;
      if (c >= 0 && c < params.inputsPerGroup) {
        value[$k] = numbers[o * params.outputStep + c * params.inputStep + part * params.groupStep + tap];
      }
#end
    }
  }
#end
  store_weight(column, row, layer, value);
}
