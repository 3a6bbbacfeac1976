    // The six numbers k_I_0_C to k_I_5_C that Winograd's F(4,3) (conv/winograd.wgsl) makes of the weights w_I_0_C to w_I_2_C: those of row $I
    // of the window for input channel $C of a block.
    let p_$(I)_$C = w_$(I)_0_$C + w_$(I)_2_$C;
    let q_$(I)_$C = w_$(I)_0_$C + 4.0 * w_$(I)_2_$C;
    let k_$(I)_0_$C = w_$(I)_0_$C;
    let k_$(I)_1_$C = p_$(I)_$C + w_$(I)_1_$C;
    let k_$(I)_2_$C = p_$(I)_$C - w_$(I)_1_$C;
    let k_$(I)_3_$C = q_$(I)_$C + 2.0 * w_$(I)_1_$C;
    let k_$(I)_4_$C = q_$(I)_$C - 2.0 * w_$(I)_1_$C;
    let k_$(I)_5_$C = w_$(I)_2_$C;
