// Binds one tensor of row memory for writing: store_$NAME(column, row, value).
#include "lib/storage.wgsl"
#if STORAGE == texture
#if SCALAR == f16
@group(0) @binding($BINDING) var $(NAME)_cells: texture_storage_2d_array<rgba16float, write>;
#else
@group(0) @binding($BINDING) var $(NAME)_cells: texture_storage_2d_array<rgba32float, write>;
#end
fn store_$NAME(column: i32, row: i32, value: vec4f) {
  textureStore($(NAME)_cells, vec2i(column, row & ((1 << PAGE_SHIFT) - 1)), row >> PAGE_SHIFT, value);
}
#else
#if SCALAR == f16
@group(0) @binding($BINDING) var<storage, read_write> $(NAME)_cells: array<vec2u>;
fn store_$NAME(column: i32, row: i32, value: vec4f) {
  $(NAME)_cells[row * params.pitch + column] = vec2u(pack2x16float(value.xy), pack2x16float(value.zw));
}
#else
@group(0) @binding($BINDING) var<storage, read_write> $(NAME)_cells: array<vec4f>;
fn store_$NAME(column: i32, row: i32, value: vec4f) {
  $(NAME)_cells[row * params.pitch + column] = value;
}
#end
#end
