// Binds packed weights for reading: weight(column, row, layer) -> four values. The packing kernel decides what the three mean;
// `params.weightColumns` and `params.weightRows` are the extents of a row and of a layer.
#include "lib/joined_layer.wgsl"
#if STORAGE == texture
#if SCALAR == f16
@group(0) @binding($BINDING) var weight_cells: texture_storage_2d_array<rgba16float, read>;
#else
@group(0) @binding($BINDING) var weight_cells: texture_storage_2d_array<rgba32float, read>;
#end
fn weight(column: i32, row: i32, layer: i32) -> vec4f {
  return textureLoad(weight_cells, vec2i(column, row), layerOf(layer));
}
#else
#if SCALAR == f16
@group(0) @binding($BINDING) var<storage, read> weight_cells: array<vec2u>;
fn weight(column: i32, row: i32, layer: i32) -> vec4f {
  let cell = weight_cells[(layerOf(layer) * params.weightRows + row) * params.weightColumns + column];
  return vec4f(unpack2x16float(cell.x), unpack2x16float(cell.y));
}
#else
@group(0) @binding($BINDING) var<storage, read> weight_cells: array<vec4f>;
fn weight(column: i32, row: i32, layer: i32) -> vec4f {
  return weight_cells[(layerOf(layer) * params.weightRows + row) * params.weightColumns + column];
}
#end
#end
