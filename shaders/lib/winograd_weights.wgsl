    // The six numbers that Winograd's F(4,3) (conv/winograd.wgsl) makes of row $I of a window's weights, for input channel C of a block:
    // k_I_0_C to k_I_5_C. The first and the last are weights themselves; m_I_C is the weight between them.
    let p_$(I)_$C = k_$(I)_0_$C + k_$(I)_5_$C;
    let q_$(I)_$C = k_$(I)_0_$C + 4.0 * k_$(I)_5_$C;
    let k_$(I)_1_$C = p_$(I)_$C + m_$(I)_$C;
    let k_$(I)_2_$C = p_$(I)_$C - m_$(I)_$C;
    let k_$(I)_3_$C = q_$(I)_$C + 2.0 * m_$(I)_$C;
    let k_$(I)_4_$C = q_$(I)_$C - 2.0 * m_$(I)_$C;
