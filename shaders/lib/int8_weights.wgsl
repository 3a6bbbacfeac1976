// Binds packed integer weights for reading: weight8(column, row, layer) -> four words. The packing kernel decides what the three mean
// and what the words hold; `params.weightColumns` and `params.weightRows` are the extents of a row and of a layer.
#include "lib/joined_layer.wgsl"
#if STORAGE == texture
@group(0) @binding($BINDING) var weight_words: texture_storage_2d_array<rgba32uint, read>;
fn weight8(column: i32, row: i32, layer: i32) -> vec4u {
  return textureLoad(weight_words, vec2i(column, row), layerOf(layer));
}
#else
@group(0) @binding($BINDING) var<storage, read> weight_words: array<vec4u>;
fn weight8(column: i32, row: i32, layer: i32) -> vec4u {
  return weight_words[(layerOf(layer) * params.weightRows + row) * params.weightColumns + column];
}
#end
