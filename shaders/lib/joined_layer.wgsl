// The layer of weights that are bound: in a dispatch of several steps their weights are one range.
fn layerOf(layer: i32) -> i32 {
#if JOINED_STEPS > 1
  return layer + stepLayer;
#else
  return layer;
#end
}
