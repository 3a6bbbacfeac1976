// Binds one tensor of row memory for reading: load_$NAME(column, row) -> the four channels of a cell.
#include "lib/storage.wgsl"
#if STORAGE == texture
#if SCALAR == f16
@group(0) @binding($BINDING) var $(NAME)_cells: texture_storage_2d_array<rgba16float, read>;
#else
@group(0) @binding($BINDING) var $(NAME)_cells: texture_storage_2d_array<rgba32float, read>;
#end
fn load_$NAME(column: i32, row: i32) -> vec4f {
  return textureLoad($(NAME)_cells, vec2i(column, row & ((1 << PAGE_SHIFT) - 1)), row >> PAGE_SHIFT);
}
#else
#if SCALAR == f16
@group(0) @binding($BINDING) var<storage, read_write> $(NAME)_cells: array<vec2u>;
fn load_$NAME(column: i32, row: i32) -> vec4f {
  let cell = $(NAME)_cells[row * params.pitch + column];
  return vec4f(unpack2x16float(cell.x), unpack2x16float(cell.y));
}
#else
@group(0) @binding($BINDING) var<storage, read_write> $(NAME)_cells: array<vec4f>;
fn load_$NAME(column: i32, row: i32) -> vec4f {
  return $(NAME)_cells[row * params.pitch + column];
}
#end
#end
