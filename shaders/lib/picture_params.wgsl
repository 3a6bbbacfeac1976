  // Members of the parameters of a shader with lib/picture.wgsl (src/kernels/detect/picture.ts).
  origin: vec2i,        // left, top of the picture in the texture
  picture: vec2i,       // width, height
  scaled: vec2i,        // width, height after scaling
  corner: vec2i,        // left, top of the scaled picture in the letterboxed one
