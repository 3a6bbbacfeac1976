  // In an entry point that takes a plane's tile at a time (lib/tile.wgsl), channel blocks by themselves: the thread's tile, its block, and
  // where its plane begins in input, output and residual. Threads beyond the last tile repeat it.
  let planes = params.output.blocks * params.output.batch;
  let index = min(linearIndex(thread), params.tiles * planes - 1);
  let tile = tileOf(index);
  let block = divide(tile.plane, params.output.batch);
  let source = planeOrigin(params.input, tile.plane);
  let place = planeOrigin(params.output, tile.plane);
  let residualOrigin = planeOrigin(params.residual, tile.plane);
