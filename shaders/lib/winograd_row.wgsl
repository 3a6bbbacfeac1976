    // What row J of a window's inputs, x_J_0 to x_J_5, adds to the sums of products of Winograd's F(4,3) (conv/winograd.wgsl): its
    // transform in 17 operations, and with the two rows before it the products for the row of outputs that it completes.
    let a_$J = x_$(J)_4 - 4.0 * x_$(J)_2;
    let b_$J = x_$(J)_3 - 4.0 * x_$(J)_1;
    let c_$J = x_$(J)_4 - x_$(J)_2;
    let d_$J = 2.0 * (x_$(J)_3 - x_$(J)_1);
    let t_$(J)_0 = 4.0 * (x_$(J)_0 - x_$(J)_2) + c_$J;
    let t_$(J)_1 = a_$J + b_$J;
    let t_$(J)_2 = a_$J - b_$J;
    let t_$(J)_3 = c_$J + d_$J;
    let t_$(J)_4 = c_$J - d_$J;
    let t_$(J)_5 = x_$(J)_5 - x_$(J)_3 - 2.0 * d_$J;
#if J >= 2
    // One sum at a time through the three rows: it stays in a register.
#for m in 0..6
#for i in 0..3
    sum_$(J - 2)_$m += t_$(J - 2 + i)_$(m).x * k_$(i)_$(m)_0 + t_$(J - 2 + i)_$(m).y * k_$(i)_$(m)_1
      + t_$(J - 2 + i)_$(m).z * k_$(i)_$(m)_2 + t_$(J - 2 + i)_$(m).w * k_$(i)_$(m)_3;
#end
#end
#end
