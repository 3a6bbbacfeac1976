// The row of a tensor that is bound at BINDING: in a dispatch of several steps their tensors are one range.
fn row_$NAME(row: i32) -> i32 {
#if JOINED_STEPS > 1
  return row + stepRow$BINDING;
#else
  return row;
#end
}
