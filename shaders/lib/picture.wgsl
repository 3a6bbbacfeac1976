// Binds a picture and reads it through a letterbox: scaled, aspect ratio kept, centred on grey 114, values in 0..1.
//
//   letterboxed(u, v) = bilinear(picture, (u - left + 1/2) * width / scaledWidth - 1/2, (v - top + 1/2) * height / scaledHeight - 1/2) / 255
//
// with the picture's edge repeated outside it. The picture is a rectangle of the texture, whose other pixels are not read. Sums and roundings are
// those of OpenCV's INTER_LINEAR on bytes: weights in 1/2048, the row sums cut by 4 bits and their products by 16, then rounded to a whole level,
// since networks are trained and measured behind it. Positions are exact fractions, so that no level depends on the adapter's arithmetic.
//
// The picture is an rgba8unorm texture, its alpha unused: texture loads are cheap also on software adapters, where reading packed bytes from a
// storage buffer took five times as long. Needs lib/picture_params.wgsl among the parameters.
@group(0) @binding($BINDING) var picture: texture_2d<f32>;

// Where a column (or row) of the letterboxed picture lies in the picture.
struct Span {
  first: i32,           // the sample before it
  next: i32,
  weight: i32,          // of the next one, in 1/2048
  inside: bool,         // false where it is grey
}

fn spanOf(position: i32, corner: i32, length: i32, scaledLength: i32) -> Span {
  let d = position - corner;
  let numerator = (2 * clamp(d, 0, scaledLength - 1) + 1) * length - scaledLength;
  let denominator = 2 * scaledLength;
  // The quotient in floating point is off by one at most; the remainder, exact, says where.
  let guess = i32(floor(f32(numerator) / f32(denominator)));
  let rest = numerator - guess * denominator;
  let first = guess + select(select(0, 1, rest >= denominator), -1, rest < 0);
  let weight = f32(numerator - first * denominator) / f32(denominator) * 2048.0;
  let last = length - 1;
  return Span(clamp(first, 0, last), clamp(first + 1, 0, last), i32(round(weight)), d >= 0 && d < scaledLength);
}

fn columnSpan(u: i32) -> Span {
  return spanOf(u, params.corner.x, params.picture.x, params.scaled.x);
}

fn rowSpan(v: i32) -> Span {
  return spanOf(v, params.corner.y, params.picture.y, params.scaled.y);
}

fn level(x: i32, y: i32) -> vec3i {
  return vec3i(round(textureLoad(picture, params.origin + vec2i(x, y), 0).rgb * 255.0));
}

fn letterboxed(x: Span, y: Span) -> vec4f {
  let left = 2048 - x.weight;
  let above = level(x.first, y.first) * left + level(x.next, y.first) * x.weight;
  let below = level(x.first, y.next) * left + level(x.next, y.next) * x.weight;
  let sum = (((above >> vec3u(4u)) * (2048 - y.weight)) >> vec3u(16u)) + (((below >> vec3u(4u)) * y.weight) >> vec3u(16u));
  return vec4f(select(vec3f(114.0), vec3f((sum + 2) >> vec3u(2u)), x.inside && y.inside) / 255.0, 0.0);
}
