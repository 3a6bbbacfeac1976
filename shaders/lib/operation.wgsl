// operate(a, b): OP of two values of TYPE; OP is add, sub, mul or div.
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
}
