// Parameters and bindings of a convolution of one group and any window whose weights lie as those of conv/direct.wgsl with OUT_BLOCKS of 1
// (src/kernels/conv_workgroup.ts).
struct Params {
  input: Blocked,
  output: Blocked,
  residual: Blocked,
  kernel: vec2i,        // columns, rows
  stride: vec2i,
  pad: vec2i,           // left, top
  dilation: vec2i,
  layers: i32,          // output blocks
  firstBlock: i32,      // of x that is read
  inBlocks: i32,        // of x that are read
  pitch: i32,
  weightColumns: i32,
  weightRows: i32,
#include "lib/epilogue_params.wgsl"
}
#include "lib/params.wgsl"
#include "lib/input.wgsl" NAME=x BINDING=1 TENSOR=input
#include "lib/weights.wgsl" BINDING=2
#include "lib/output.wgsl" NAME=y BINDING=3 TENSOR=output
#include "lib/epilogue.wgsl"
