  // In a function's body: calls $VISIT(x, y) for each of the pixels of `part` that fall to this member of the team.
#if TEAM == 1
  for (var y = part.top; y < uncounted(part.bottom, i32(thread.local)); y++) {
    var x = 0;
    for (; x < uncounted(params.$EXTENT.width - 3, i32(thread.local)); x += 4) {
#for i in 0..4
      $VISIT(x + $i, y);
#end
    }
    for (; x < uncounted(params.$EXTENT.width, i32(thread.local)); x++) {
      $VISIT(x, y);
    }
  }
#else
  for (var pixel = member; pixel < (part.bottom - part.top) * params.$EXTENT.width; pixel += TEAM) {
    let row = divide(pixel, params.$EXTENT.width);
    $VISIT(pixel - row * params.$EXTENT.width, part.top + row);
  }
#end
