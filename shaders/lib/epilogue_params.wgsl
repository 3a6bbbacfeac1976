  // The last members of the parameters of a shader with lib/epilogue.wgsl, or with what it does written out (src/kernels/conv_step.ts).
  activationA: f32,
  activationB: f32,
  activateLast: u32,    // 1: the residual is added before the activation
  residualShift: u32,   // the residual's pixel (x >> shift, y >> shift) is added to (x, y)
