// Binds packed weights for writing: store_weight(column, row, layer, value); the counterpart of lib/weights.wgsl.
#include "lib/storage.wgsl"
#if STORAGE == texture
#if SCALAR == f16
@group(0) @binding($BINDING) var weight_cells: texture_storage_2d_array<rgba16float, write>;
#else
@group(0) @binding($BINDING) var weight_cells: texture_storage_2d_array<rgba32float, write>;
#end
fn store_weight(column: i32, row: i32, layer: i32, value: vec4f) {
  textureStore(weight_cells, vec2i(column, row), layer, value);
}
#else
#if SCALAR == f16
@group(0) @binding($BINDING) var<storage, read_write> weight_cells: array<vec2u>;
fn store_weight(column: i32, row: i32, layer: i32, value: vec4f) {
  weight_cells[(layer * params.weightRows + row) * params.weightColumns + column] =
    vec2u(pack2x16float(value.xy), pack2x16float(value.zw));
}
#else
@group(0) @binding($BINDING) var<storage, read_write> weight_cells: array<vec4f>;
fn store_weight(column: i32, row: i32, layer: i32, value: vec4f) {
  weight_cells[(layer * params.weightRows + row) * params.weightColumns + column] = value;
}
#end
#end
