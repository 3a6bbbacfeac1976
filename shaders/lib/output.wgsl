// Binds one tensor of row memory for writing: store_$NAME(column, row, value). Numbers that halves do not
// hold are cut at the greatest that they do (src/engine/range_check.ts looks for them). A tensor that may have int8 cells names its member
// of the parameters, TENSOR, and has store8_$NAME(column, row, bytes) as well.
#include "lib/storage.wgsl"
#include "lib/joined_row.wgsl" NAME=NAME BINDING=BINDING
#if INT8_$BINDING == 1
#include "lib/int8.wgsl"
#if STORAGE == texture
@group(0) @binding($BINDING) var $(NAME)_cells: texture_storage_2d_array<r32uint, write>;
fn store8_$NAME(column: i32, row: i32, bytes: u32) {
  textureStore($(NAME)_cells, vec2i(column, row_$NAME(row) & ((1 << PAGE_SHIFT) - 1)), row_$NAME(row) >> PAGE_SHIFT, vec4u(bytes));
}
#else
@group(0) @binding($BINDING) var<storage, read_write> $(NAME)_cells: array<u32>;
fn store8_$NAME(column: i32, row: i32, bytes: u32) {
  $(NAME)_cells[row_$NAME(row) * params.pitch + column] = bytes;
}
#end
fn store_$NAME(column: i32, row: i32, value: vec4f) {
  let steps = round(value / params.$TENSOR.scale) + params.$TENSOR.zero;
  store8_$NAME(column, row, pack8(vec4i(clamp(steps, vec4f(params.$TENSOR.low), vec4f(params.$TENSOR.high)))));
}
#else
#if STORAGE == texture
#if SCALAR == f16
@group(0) @binding($BINDING) var $(NAME)_cells: texture_storage_2d_array<rgba16float, write>;
#else
@group(0) @binding($BINDING) var $(NAME)_cells: texture_storage_2d_array<rgba32float, write>;
#end
fn store_$NAME(column: i32, row: i32, value: vec4f) {
#if SCALAR == f16
  let kept = clamp(value, vec4f(-65504.0), vec4f(65504.0));
#else
  let kept = value;
#end
  textureStore($(NAME)_cells, vec2i(column, row_$NAME(row) & ((1 << PAGE_SHIFT) - 1)), row_$NAME(row) >> PAGE_SHIFT, kept);
}
#else
#if SCALAR == f16
@group(0) @binding($BINDING) var<storage, read_write> $(NAME)_cells: array<vec2u>;
fn store_$NAME(column: i32, row: i32, value: vec4f) {
  let kept = clamp(value, vec4f(-65504.0), vec4f(65504.0));
  $(NAME)_cells[row_$NAME(row) * params.pitch + column] = vec2u(pack2x16float(kept.xy), pack2x16float(kept.zw));
}
#else
@group(0) @binding($BINDING) var<storage, read_write> $(NAME)_cells: array<vec4f>;
fn store_$NAME(column: i32, row: i32, value: vec4f) {
  $(NAME)_cells[row_$NAME(row) * params.pitch + column] = value;
}
#end
#end
#end
