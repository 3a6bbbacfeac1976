  // In a function's body: the NX columns of `params.input` from `left` on and its NY rows from `top` on. cx_i and cy_j are clamped, so
  // that every load stays within its plane; inX_i and inY_j tell what lies inside. What does not is then replaced.
#for i in 0..NX
  let cx_$i = clamp(left + $i, 0, params.input.width - 1);
  let inX_$i = cx_$i == left + $i;
#end
#for j in 0..NY
  let cy_$j = clamp(top + $j, 0, params.input.height - 1);
  let inY_$j = cy_$j == top + $j;
#end
