// operate(a, b): OP of two values of TYPE; OP is the name of a binary operator in small letters (`BinaryOperator`).
#const OP = add

fn operate(a: $TYPE, b: $TYPE) -> $TYPE {
#if OP == add
  return a + b;
#end
#if OP == sub
  return a - b;
#end
#if OP == mul
  return a * b;
#end
#if OP == div
  return a / b;
#end
#if OP == max
  return max(a, b);
#end
#if OP == min
  return min(a, b);
#end
#if OP == pow
  // WGSL leaves powers of 0 and below open. The logarithm of a number below 0 is none, and so is its power where b is not whole.
  let size = select(pow(abs(a), b), $TYPE(1.0), b == $TYPE(0.0));
  let half = abs(b) * 0.5;
  let below = select(select(log(a), size, floor(b) == b), -size, floor(half) + 0.5 == half);
  return select(size, below, a < $TYPE(0.0));
#end
#if OP == less
  return select($TYPE(0.0), $TYPE(1.0), a < b);
#end
#if OP == lessorequal
  return select($TYPE(0.0), $TYPE(1.0), a <= b);
#end
#if OP == equal
  return select($TYPE(0.0), $TYPE(1.0), a == b);
#end
#if OP == mask
  return select(b, $TYPE(0.0), a == $TYPE(0.0));
#end
}
