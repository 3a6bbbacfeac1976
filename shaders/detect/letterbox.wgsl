// Letterbox: a picture scaled into the input of a network, aspect ratio kept, centred on grey 114, values in 0..1.
//
//   y[image, c, v, u] = bilinear(picture, c, (u - left + 1/2) * width / scaledWidth - 1/2, (v - top + 1/2) * height / scaledHeight - 1/2) / 255
//
// with the picture's edge repeated outside it. The picture is a rectangle of the texture, whose other pixels are not read. Sums and roundings are those of OpenCV's INTER_LINEAR on bytes: weights in
// 1/2048, the row sums cut by 4 bits and their products by 16, then rounded to a whole level, since networks are trained and
// measured behind it. Positions are exact fractions, so that no level depends on the adapter's arithmetic.
//
// A thread writes one column of ROWS pixels. The picture is an rgba8unorm texture, its alpha unused: texture loads are cheap
// also on software adapters, where reading packed bytes from a storage buffer took five times as long.
// Dispatch: x = columns / WORKGROUP, y = rows / ROWS, z = 1.
#const WORKGROUP = 64
#const ROWS = 4

#include "lib/storage.wgsl"
struct Params {
  output: Blocked,
  origin: vec2i,        // left, top of the picture in the texture
  picture: vec2i,       // width, height
  scaled: vec2i,        // width, height after scaling
  corner: vec2i,        // left, top of the scaled picture in the output
  image: i32,           // image of the output's batch
  pitch: i32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var picture: texture_2d<f32>;
#include "lib/output.wgsl" NAME=y BINDING=2

fn level(x: i32, y: i32) -> vec3i {
  return vec3i(round(textureLoad(picture, params.origin + vec2i(x, y), 0).rgb * 255.0));
}

// The sample left of (above) output position `d`, and the next one's weight in 1/2048.
fn locate(d: i32, length: i32, scaledLength: i32) -> vec2i {
  let numerator = (2 * d + 1) * length - scaledLength;
  let denominator = 2 * scaledLength;
  // The quotient in floating point is off by one at most; the remainder, exact, says where.
  let guess = i32(floor(f32(numerator) / f32(denominator)));
  let rest = numerator - guess * denominator;
  let first = guess + select(select(0, 1, rest >= denominator), -1, rest < 0);
  let weight = f32(numerator - first * denominator) / f32(denominator) * 2048.0;
  return vec2i(first, i32(round(weight)));
}

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let u = i32(id.x);
  let dx = u - params.corner.x;
  let insideX = dx >= 0 && dx < params.scaled.x;
  let spanX = locate(clamp(dx, 0, params.scaled.x - 1), params.picture.x, params.scaled.x);
  let lastX = params.picture.x - 1;
  let x0 = clamp(spanX.x, 0, lastX);
  let x1 = clamp(spanX.x + 1, 0, lastX);
  let right = spanX.y;
  let left = 2048 - right;
  let lastY = params.picture.y - 1;
  let origin = planeOrigin(params.output, params.image);
#for j in 0..ROWS
  {
    let v = i32(id.y) * ROWS + $j;
    let dy = v - params.corner.y;
    let inside = insideX && dy >= 0 && dy < params.scaled.y;
    let spanY = locate(clamp(dy, 0, params.scaled.y - 1), params.picture.y, params.scaled.y);
    let y0 = clamp(spanY.x, 0, lastY);
    let y1 = clamp(spanY.x + 1, 0, lastY);
    let above = level(x0, y0) * left + level(x1, y0) * right;
    let below = level(x0, y1) * left + level(x1, y1) * right;
    let sum = (((above >> vec3u(4u)) * (2048 - spanY.y)) >> vec3u(16u)) + (((below >> vec3u(4u)) * spanY.y) >> vec3u(16u));
    let value = select(vec3f(114.0), vec3f((sum + 2) >> vec3u(2u)), inside) / 255.0;
    if (u < params.output.width && v < params.output.height) {
      store_y(origin.x + u, origin.y + v, vec4f(value, 0.0));
    }
  }
#end
}
