// Binds one tensor of row memory for reading: load_$NAME(column, row) -> the four channels of a cell. A tensor that may have int8
// cells names its member of the parameters, TENSOR, and has load8_$NAME(column, row) -> the four bytes as well.
#include "lib/storage.wgsl"
#include "lib/joined_row.wgsl" NAME=NAME BINDING=BINDING
#if INT8_$BINDING == 1
#include "lib/int8.wgsl"
#if STORAGE == texture
@group(0) @binding($BINDING) var $(NAME)_cells: texture_storage_2d_array<r32uint, read>;
fn load8_$NAME(column: i32, row: i32) -> u32 {
  return textureLoad($(NAME)_cells, vec2i(column, row_$NAME(row) & ((1 << PAGE_SHIFT) - 1)), row_$NAME(row) >> PAGE_SHIFT).x;
}
#else
@group(0) @binding($BINDING) var<storage, read_write> $(NAME)_cells: array<u32>;
fn load8_$NAME(column: i32, row: i32) -> u32 {
  return $(NAME)_cells[row_$NAME(row) * params.pitch + column];
}
#end
fn load_$NAME(column: i32, row: i32) -> vec4f {
  return (vec4f(unpack8(load8_$NAME(column, row))) - params.$TENSOR.zero) * params.$TENSOR.scale;
}
#else
#if STORAGE == texture
#if SCALAR == f16
@group(0) @binding($BINDING) var $(NAME)_cells: texture_storage_2d_array<rgba16float, read>;
#else
@group(0) @binding($BINDING) var $(NAME)_cells: texture_storage_2d_array<rgba32float, read>;
#end
fn load_$NAME(column: i32, row: i32) -> vec4f {
  return textureLoad($(NAME)_cells, vec2i(column, row_$NAME(row) & ((1 << PAGE_SHIFT) - 1)), row_$NAME(row) >> PAGE_SHIFT);
}
#else
#if SCALAR == f16
@group(0) @binding($BINDING) var<storage, read_write> $(NAME)_cells: array<vec2u>;
fn load_$NAME(column: i32, row: i32) -> vec4f {
  let cell = $(NAME)_cells[row_$NAME(row) * params.pitch + column];
  return vec4f(unpack2x16float(cell.x), unpack2x16float(cell.y));
}
#else
@group(0) @binding($BINDING) var<storage, read_write> $(NAME)_cells: array<vec4f>;
fn load_$NAME(column: i32, row: i32) -> vec4f {
  return $(NAME)_cells[row_$NAME(row) * params.pitch + column];
}
#end
#end
#end
